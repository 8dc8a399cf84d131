// placeholder types, replaced by the owner of tokens/
export interface MasterToken { readonly serialNumber: number }
