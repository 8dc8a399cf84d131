export declare const CORE: string;
export declare function bundleModel(
  name: string,
  change?: { readonly file: string; readonly find: string; readonly replace: string } | null,
): Promise<string>;
