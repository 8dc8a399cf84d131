// Everything portable in one place; the paths of package.json give the parts one by one.
export * from "./client.ts";
export * from "./server.ts";
export * from "./peer.ts";
