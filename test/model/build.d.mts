export declare const CORE: string;
interface Change {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
export declare function bundleModel(name: string, change?: Change | null): Promise<string>;
export declare function bundleProgram(entry: string, name: string, change?: Change | null): Promise<string>;
