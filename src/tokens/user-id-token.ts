export interface UserIdToken { readonly serialNumber: number }
