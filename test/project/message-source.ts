import { parseAst } from 'vitest/node';
import * as z from 'zod';

const MAX_VARIANTS = 3;
const MAX_DEPTH = 5;
const LIST_METHODS = /^(join|map|slice|filter|flatMap)$/;
const CONVERSIONS = /^(to[A-Z]\w*|describe\w*|format\w*|nameOf|ceil|stringify|String)$/;

/** Node of a syntax tree. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

/** Source file that can print the texts of its expressions: all variants, with the unknown parts in braces. */
export class MessageSource {
  readonly #nodes: readonly Node[];

  constructor(code: string) {
    this.#nodes = [...walk(parseAst(code, { lang: 'ts' }))];
  }

  /** Returns the arguments of each `new Name(…)` and of each call of `name`. */
  calls(name: RegExp): readonly (readonly Node[])[] {
    return this.#nodes
      .filter(({ type, callee }) => /^(New|Call)Expression$/.test(type) && name.test(nameOf(callee)))
      .map((node) => nodesOf(node['arguments']));
  }

  /** Returns name and value of each member of the object that the constant `name` has. */
  members(name: string): readonly (readonly [string, Node])[] {
    return this.#nodes
      .filter(({ type, id }) => type === 'VariableDeclarator' && nameOf(id) === name)
      .flatMap(({ init }) => nodesOf([init]).flatMap(({ properties }) => nodesOf(properties)))
      .flatMap(({ key, value }) => nodesOf([value]).map((node) => [literalOf(key) ?? nameOf(key), node] as const));
  }

  /** Returns each string or template that starts like this. */
  strings(start: RegExp): readonly Node[] {
    return this.#nodes.filter(
      (node) =>
        /^(TemplateLiteral|Literal)$/.test(node.type) && start.test(this.textsOf(node, () => undefined)[0] ?? ''),
    );
  }

  /** Returns the texts of each constant, by name. */
  constants(): readonly (readonly [string, readonly string[]])[] {
    return this.#nodes
      .filter(({ type, id }) => type === 'VariableDeclarator' && /^[A-Z_]+$/.test(nameOf(id)))
      .flatMap(({ id, init }) =>
        nodesOf([init])
          .filter(isText)
          .map((node) => [nameOf(id), this.textsOf(node, () => undefined)] as const),
      );
  }

  /** Returns one text for each result of an exported function or of a member that is one expression, by its name. */
  functions(): readonly (readonly [string, readonly string[]])[] {
    const exported = this.#nodes
      .filter(({ type }) => type === 'ExportNamedDeclaration')
      .flatMap(({ declaration }) => nodesOf([declaration]))
      .filter(({ type }) => type === 'FunctionDeclaration')
      .map((each) => [nameOf(each['id']), this.#returnsOf(each)] as const);
    const members = this.#nodes
      .filter(({ type }) => type === 'Property')
      .flatMap(({ key, value }) =>
        nodesOf([value])
          .filter(({ type }) => type === 'ArrowFunctionExpression')
          .map(({ body }) => [nameOf(key), nodesOf([body]).filter(isText)] as const),
      );
    return [...exported, ...members]
      .filter(([, nodes]) => nodes.length > 0)
      .map(
        ([name, nodes]) => [name, nodes.flatMap((node) => this.textsOf(node, () => undefined).slice(0, 1))] as const,
      );
  }

  /** @param imported returns the texts of a constant or a function of another file */
  textsOf(node: Node, imported: (name: string) => readonly string[] | undefined, depth = 0): readonly string[] {
    const unknown = [`{${toWords(nameOf(node))}}`];
    const recur = (value: unknown) => nodesOf([value]).flatMap((each) => this.textsOf(each, imported, depth + 1));
    if (depth > MAX_DEPTH) return unknown;
    switch (node.type) {
      case 'Literal':
        return [String(node['value'])];
      case 'TemplateLiteral': {
        const texts = z.array(z.object({ value: z.object({ cooked: z.string() }) })).parse(node['quasis']);
        const parts = nodesOf(node['expressions']).map((each) => this.textsOf(each, imported, depth + 1));
        return texts.reduce<readonly string[]>(
          (all, { value }, index) => combine(combine(all, [value.cooked]), parts[index] ?? ['']),
          [''],
        );
      }
      case 'BinaryExpression': {
        const [left, right] = [recur(node['left']), recur(node['right'])];
        return node['operator'] === '*' ? [String(Number(left[0]) * Number(right[0]))] : combine(left, right);
      }
      case 'LogicalExpression':
        return [...recur(node['left']), ...recur(node['right'])];
      case 'ConditionalExpression':
        return [...recur(node['consequent']), ...recur(node['alternate'])];
      case 'Identifier': {
        const variable = this.#findVariable(node);
        if (variable !== undefined) return recur(variable);
        const given = this.#findArguments(node);
        if (given.length > 0) return [...new Set(given.flatMap(recur))];
        return imported(nameOf(node)) ?? unknown;
      }
      case 'CallExpression': {
        const joined = findArray(node);
        if (joined !== undefined) return [joined.map((each) => recur(each)[0]).join(' ')];
        const returned = this.#findReturned(node);
        return returned.length > 0
          ? returned.flatMap(recur)
          : (depth === 0 && imported(nameOf(node['callee']))) || unknown;
      }
      default:
        return unknown;
    }
  }

  /** Finds the initial value of the variable that an identifier names: the last one declared above it. */
  #findVariable(node: Node): unknown {
    const declared = this.#nodes.findLast(
      (each) =>
        each.type === 'VariableDeclarator' &&
        nameOf(each['id']) === nameOf(node) &&
        each.start < node.start &&
        (this.#functionAround(each)?.end ?? node.end) >= node.end,
    );
    return nodesOf([declared?.['init']]).find(isText);
  }

  /** Finds the texts that a function of this file returns. */
  #findReturned(call: Node): readonly Node[] {
    const declared = this.#nodes.find(
      ({ type, id }) => type === 'FunctionDeclaration' && nameOf(id) === nameOf(call['callee']),
    );
    return declared === undefined ? [] : this.#returnsOf(declared);
  }

  #returnsOf(declared: Node): readonly Node[] {
    return this.#nodes
      .filter((each) => each.type === 'ReturnStatement' && this.#functionAround(each) === declared)
      .flatMap(({ argument }) => nodesOf([argument]))
      .filter(isText);
  }

  #functionAround(node: Node): Node | undefined {
    return this.#nodes.findLast(
      ({ type, start, end }) => /Function/.test(type) && start < node.start && node.end <= end,
    );
  }

  /** Finds the values with which this file calls the function whose parameter an identifier names. */
  #findArguments(node: Node): readonly Node[] {
    const owner = this.#nodes
      .filter(
        ({ type, start, end, params }) =>
          /Function/.test(type) &&
          start < node.start &&
          node.end < end &&
          nodesOf(params).some((parameter) => nameOf(parameter) === nameOf(node)),
      )
      .at(-1);
    if (owner === undefined) return [];
    const position = nodesOf(owner['params']).findIndex((parameter) => nameOf(parameter) === nameOf(node));
    const name =
      this.#nodes
        .filter(({ value, init }) => nodesOf([value, init]).includes(owner))
        .map(({ key, id }) => nameOf(key ?? id))[0] ?? nameOf(owner['id']);
    return this.#nodes
      .filter(({ type, callee }) => type === 'CallExpression' && nameOf(callee) === name)
      .flatMap((call) => nodesOf(call['arguments'])[position] ?? []);
  }
}

function isText({ type }: Node): boolean {
  return /Literal$|^(Conditional|Logical|Binary)Expression$/.test(type);
}

/** Finds the elements of the array on which a call like `[…].filter(Boolean).join(' ')` works. */
function findArray(node: Node): readonly Node[] | undefined {
  if (node.type === 'ArrayExpression') return nodesOf(node['elements']);
  const inner =
    node.type === 'CallExpression' ? node['callee'] : node.type === 'MemberExpression' ? node['object'] : undefined;
  return isNode(inner) ? findArray(inner) : undefined;
}

function literalOf(node: unknown): string | undefined {
  return isNode(node) && typeof node['value'] === 'string' ? node['value'] : undefined;
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const element of value) yield* walk(element);
  } else if (typeof value === 'object' && value !== null) {
    if (isNode(value)) yield value;
    for (const member of Object.values(value)) yield* walk(member);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value && 'end' in value;
}

function nodesOf(values: unknown): readonly Node[] {
  return Array.isArray(values) ? values.filter(isNode) : [];
}

/** Returns the most telling name in an expression: `secretId` of `this.settings.secretId`, `mistakes` of `mistakes.join()`. */
function nameOf(value: unknown): string {
  if (!isNode(value)) return '';
  const { name, property, callee, object, expression, argument, left } = value;
  if (typeof name === 'string') return name;
  const [first] = nodesOf(value['arguments']);
  const called = isNode(callee) ? nameOf(callee) : '';
  if (LIST_METHODS.test(called) && isNode(callee)) return nameOf(callee['object']);
  if (CONVERSIONS.test(called) && first !== undefined) return nameOf(first);
  return nameOf([property, callee, expression, argument, object, left].find(isNode));
}

/** Returns `secret id` for `secretId`. */
function toWords(name: string): string {
  return name.replaceAll(/([a-z])(?=[A-Z])/g, '$1 ').toLowerCase() || '…';
}

function combine(beginnings: readonly string[], ends: readonly string[]): readonly string[] {
  return beginnings.flatMap((beginning) => ends.map((end) => beginning + end)).slice(0, MAX_VARIANTS);
}
