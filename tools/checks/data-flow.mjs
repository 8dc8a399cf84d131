// Which branches, addresses, divisions and selects of a WebAssembly module depend on data in memory. Every load counts
// as data, so a secret cannot hide; pointers, lengths and slot numbers that exports take, and what is computed from
// them alone, are not. Flow-sensitive within a function (locals are shared by the optimiser), by parameters and results
// between functions, to a fixed point.

import binaryen from "binaryen";

const DIVISIONS = new Set(
  ["DivSInt32", "DivUInt32", "RemSInt32", "RemUInt32", "DivSInt64", "DivUInt64", "RemSInt64", "RemUInt64"].map(
    (name) => binaryen[name],
  ),
);

/** Members of each expression that hold expressions; an expression that is not listed is refused. */
const CHILDREN = new Map([
  [binaryen.ConstId, []],
  [binaryen.NopId, []],
  [binaryen.MemorySizeId, []],
  [binaryen.UnaryId, ["value"]],
  [binaryen.BinaryId, ["left", "right"]],
  [binaryen.DropId, ["value"]],
  [binaryen.SIMDExtractId, ["vec"]],
  [binaryen.SIMDReplaceId, ["vec", "value"]],
  [binaryen.SIMDShuffleId, ["left", "right"]],
  [binaryen.SIMDTernaryId, ["a", "b", "c"]],
  [binaryen.SIMDShiftId, ["vec", "shift"]],
]);

/** A tree of plain objects from binaryen's handles, read once. */
function read(ref) {
  const info = binaryen.getExpressionInfo(ref);
  const node = { ...info, children: [] };
  const child = (key) => {
    node[key] = info[key] ? read(info[key]) : null;
  };
  switch (info.id) {
    case binaryen.BlockId:
      node.children = info.children.map(read);
      return node;
    case binaryen.CallId:
      node.operands = info.operands.map(read);
      return node;
  }
  const keys = [
    "condition",
    "ifTrue",
    "ifFalse",
    "body",
    "value",
    "ptr",
    "left",
    "right",
    "vec",
    "shift",
    "a",
    "b",
    "c",
    "dest",
    "source",
    "size",
  ];
  for (const key of keys) if (typeof info[key] === "number" && info.id !== binaryen.ConstId) child(key);
  return node;
}

/** One function's analysis: what its parameters hold is known, what it returns and passes on is found out. */
class Walk {
  constructor(program, fn) {
    this.program = program;
    this.fn = fn;
    this.labels = new Map();
    this.state = null;
  }

  run() {
    this.state = new Uint8Array(this.fn.localCount);
    this.state.set(this.fn.params);
    const result = this.eval(this.fn.body);
    if (this.state !== null) this.program.returns(this.fn, result);
  }

  flag(kind, node, taint) {
    if (taint === 1) this.fn.found.set(node, kind);
  }

  /** Joins the present state into a label's. */
  jump(name, value) {
    const label = this.labels.get(name);
    if (label === undefined || this.state === null) return;
    label.value |= value;
    if (label.state === null) label.state = this.state.slice();
    else for (let i = 0; i < this.state.length; i++) label.state[i] |= this.state[i];
  }

  join(other) {
    if (this.state === null) this.state = other;
    else if (other !== null) for (let i = 0; i < other.length; i++) this.state[i] |= other[i];
  }

  eval(node) {
    if (node === null) return 0;
    switch (node.id) {
      case binaryen.BlockId:
        return this.block(node);
      case binaryen.LoopId:
        return this.loop(node);
      case binaryen.IfId:
        return this.branch(node);
      case binaryen.BreakId: {
        const value = this.eval(node.value);
        const condition = this.eval(node.condition);
        if (node.condition !== null) this.flag("branch", node, condition);
        this.jump(node.name, value);
        if (node.condition === null) this.state = null;
        return value;
      }
      case binaryen.SwitchId: {
        const value = this.eval(node.value);
        this.flag("branch", node, this.eval(node.condition));
        for (const name of [...node.names, node.defaultName]) this.jump(name, value);
        this.state = null;
        return 0;
      }
      case binaryen.ReturnId: {
        const value = this.eval(node.value);
        if (this.state !== null) this.program.returns(this.fn, value);
        this.state = null;
        return 0;
      }
      case binaryen.UnreachableId:
        this.state = null;
        return 0;
      case binaryen.LocalGetId:
        return this.state === null ? 0 : this.state[node.index];
      case binaryen.LocalSetId: {
        const value = this.eval(node.value);
        if (this.state !== null) this.state[node.index] = value;
        return value;
      }
      case binaryen.GlobalGetId:
        return this.program.globals.get(node.name) ?? 0;
      case binaryen.GlobalSetId:
        this.program.sets(node.name, this.eval(node.value));
        return 0;
      case binaryen.SelectId: {
        const value = this.eval(node.ifTrue) | this.eval(node.ifFalse);
        const condition = this.eval(node.condition);
        this.flag("select", node, condition);
        return value | condition;
      }
      case binaryen.CallId:
        return this.program.calls(
          node.target,
          node.operands.map((operand) => this.eval(operand)),
        );
      case binaryen.LoadId:
      case binaryen.SIMDLoadId:
        this.flag("address", node, this.eval(node.ptr));
        return 1;
      case binaryen.SIMDLoadStoreLaneId:
      case binaryen.StoreId:
        this.flag("address", node, this.eval(node.ptr));
        this.eval(node.value ?? node.vec);
        return node.id === binaryen.StoreId ? 0 : 1;
      case binaryen.MemoryCopyId:
        this.flag("address", node, this.eval(node.dest) | this.eval(node.source) | this.eval(node.size));
        return 0;
      case binaryen.MemoryFillId:
        this.eval(node.value);
        this.flag("address", node, this.eval(node.dest) | this.eval(node.size));
        return 0;
    }
    const keys = CHILDREN.get(node.id);
    if (keys === undefined) throw new Error(`${this.fn.name}: expression ${node.id} is not known to the check`);
    let taint = 0;
    for (const key of keys) taint |= this.eval(node[key]);
    if (node.id === binaryen.BinaryId && DIVISIONS.has(node.op)) this.flag("division", node, taint);
    return taint;
  }

  block(node) {
    if (node.name) this.labels.set(node.name, { state: null, value: 0 });
    let value = 0;
    for (const child of node.children) {
      if (this.state === null) break;
      value = this.eval(child);
    }
    if (!node.name) return value;
    const label = this.labels.get(node.name);
    this.labels.delete(node.name);
    this.join(label.state);
    return value | label.value;
  }

  loop(node) {
    for (;;) {
      const before = this.state.slice();
      this.labels.set(node.name, { state: null, value: 0 });
      const value = this.eval(node.body);
      const back = this.labels.get(node.name).state;
      this.labels.delete(node.name);
      let grown = false;
      if (back !== null) {
        for (let i = 0; i < before.length; i++) {
          if (back[i] > before[i]) {
            before[i] = 1;
            grown = true;
          }
        }
      }
      if (!grown) return value;
      this.state = before;
    }
  }

  branch(node) {
    this.flag("branch", node, this.eval(node.condition));
    if (this.state === null) return 0;
    const other = this.state.slice();
    let value = this.eval(node.ifTrue);
    const after = this.state;
    this.state = other;
    value |= this.eval(node.ifFalse);
    this.join(after);
    return value;
  }
}

/**
 * Analyses the text of a module. Results of the functions that `isPublic` names count as public whatever they read.
 *
 * @returns for each function with findings its counts: `{ name: { branch, address, division, select } }`
 */
export function dataFlow(text, isPublic = () => false) {
  const module = binaryen.parseText(text);
  const functions = new Map();
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const info = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
    if (info.module) throw new Error(`${info.name} is imported`);
    const params = new Uint8Array(binaryen.expandType(info.params).length);
    functions.set(info.name, {
      name: info.name,
      params,
      localCount: params.length + info.vars.length,
      body: read(info.body),
      result: 0,
      found: new Map(),
    });
  }
  let changed = true;
  const program = {
    globals: new Map(),
    returns(fn, taint) {
      if (taint > fn.result && !isPublic(fn.name)) {
        fn.result = taint;
        changed = true;
      }
    },
    sets(name, taint) {
      if (taint > (this.globals.get(name) ?? 0)) {
        this.globals.set(name, taint);
        changed = true;
      }
    },
    calls(target, taints) {
      const fn = functions.get(target);
      taints.forEach((taint, i) => {
        if (taint > fn.params[i]) {
          fn.params[i] = 1;
          changed = true;
        }
      });
      return fn.result;
    },
  };
  while (changed) {
    changed = false;
    for (const fn of functions.values()) new Walk(program, fn).run();
  }
  module.dispose();
  const report = {};
  for (const fn of functions.values()) {
    if (fn.found.size === 0) continue;
    const counts = {};
    for (const kind of fn.found.values()) counts[kind] = (counts[kind] ?? 0) + 1;
    report[fn.name] = counts;
  }
  return report;
}
