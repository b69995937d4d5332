/**
 * What values from outside have to look like. A shape looks at own properties only, lets more of them pass than it knows, and never throws: what it takes
 * can be drawn, or acted on, as what it says it is.
 */
export type Shape<T> = (value: unknown) => value is T;

/** UTF-16; a list of more entries, or a longer text, is none of ours. */
const mostUnits = 1_000_000;
const mostEntries = 100_000;

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= mostUnits;
}

/** Finite: on its way between a page and the extension anything else becomes null. */
export function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

/** A whole number from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

export function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

export function isOneOf<const T extends readonly (string | number)[]>(...choices: T): Shape<T[number]> {
  return (value): value is T[number] => choices.some(choice => choice === value);
}

/** Or left out: JSON has no undefined. */
export function orUndefined<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value): value is T | undefined => value === undefined || shape(value);
}

export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value): value is T | null => value === null || shape(value);
}

export function eitherOf<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return (value): value is A | B => first(value) || second(value);
}

export function listOf<T>(entry: Shape<T>, most = mostEntries): Shape<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.length <= most && value.every(entry);
}

/** Values by any keys. */
export function mapOf<T>(entry: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value): value is Readonly<Record<string, T>> => isObject(value) && Object.values(value).every(entry);
}

export function recordOf<T extends object>(fields: { readonly [Name in keyof T]-?: Shape<T[Name]> }): Shape<T> {
  const shapes = Object.entries<Shape<unknown>>(fields);
  return (value): value is T =>
    isObject(value) && shapes.every(([name, shape]) => shape(Object.hasOwn(value, name) ? value[name] : undefined));
}

interface Arrays {
  readonly Uint8Array: Uint8Array;
  readonly Uint32Array: Uint32Array;
  readonly Int32Array: Int32Array;
  readonly Float32Array: Float32Array;
  readonly Float64Array: Float64Array;
}

/** By name: what comes from another window is of another class of the same name. */
export function isArray<Name extends keyof Arrays>(name: Name): Shape<Arrays[Name]> {
  return (value): value is Arrays[Name] => ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === `[object ${name}]`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
