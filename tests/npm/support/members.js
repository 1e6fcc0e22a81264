// Lists the public members of the npm package, read from its declarations.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import ts from "typescript";

/** A file that is never written. It has one property for each type whose members are listed. */
const FILE = fileURLToPath(new URL("../members.ts", import.meta.url));
const SOURCE = `
  import type * as agents from "agents";
  import type * as client from "agents/client";
  import type { UseAgentOptions, useAgent } from "agents/react";
  export interface Listed {
    agents: typeof agents;
    Agent: agents.Agent;
    AgentStaticOptions: agents.AgentStaticOptions;
    AgentOptions: agents.AgentOptions<any>;
    CallableMetadata: agents.CallableMetadata;
    StreamingResponse: agents.StreamingResponse;
    Connection: agents.Connection;
    ConnectionContext: agents.ConnectionContext;
    AgentClient: client.AgentClient;
    AgentClientOptions: client.AgentClientOptions;
    AgentClientFetchOptions: client.AgentClientFetchOptions;
    useAgent: ReturnType<typeof useAgent>;
    UseAgentOptions: UseAgentOptions;
  }
`;

function program() {
  const options = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    skipLibCheck: true,
    target: ts.ScriptTarget.ESNext,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === FILE || fileExists.call(host, name);
  host.getSourceFile = (name, ...rest) =>
    name === FILE ? ts.createSourceFile(name, SOURCE, options.target, true) : getSourceFile.call(host, name, ...rest);
  return ts.createProgram([FILE], options, host);
}

/** Returns whether a property is declared by the package itself, as public or as an override. */
function isListed(checker, property) {
  const symbol = property.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(property) : property;
  // An intersection with a type of another package has declarations of both.
  const declaration = symbol.declarations?.find((one) => one.getSourceFile().fileName.includes("/node_modules/agents/"));
  return (
    declaration &&
    !/^[_#]/.test(property.name) &&
    symbol.flags & ts.SymbolFlags.Value &&
    !(ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) &&
    !ts.getJSDocTags(declaration).some((tag) => tag.tagName.text === "internal")
  );
}

/** Returns lines of the form `Agent.setState`, sorted: members of types, exports of the root, and entry points. */
export function members() {
  const compiled = program();
  const checker = compiled.getTypeChecker();
  const found = new Set();
  const listed = compiled.getSourceFile(FILE).statements.find(ts.isInterfaceDeclaration);
  for (const owner of listed.members) {
    for (const property of checker.getTypeAtLocation(owner).getProperties()) {
      if (isListed(checker, property)) found.add(`${owner.name.text}.${property.name}`);
    }
  }
  for (const path of Object.keys(packageOf("agents").exports)) {
    const [, entry] = path.split("/");
    if (entry) found.add(`exports.${entry}`);
  }
  return [...found].sort();
}

function packageOf(name) {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8"));
}
