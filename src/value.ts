// Data as pillar, templates and changes carry it: JSON, with secrets wrapped.
import type { Sensitive } from './sensitive.ts';

export type Scalar = string | number | boolean | null;
/** JSON data whose leaves (or whole branches) may be secrets. */
export type Value = Scalar | Sensitive<unknown> | Value[] | { [key: string]: Value };
export type ValueMap = { [key: string]: Value };

/** The way to a value inside a document: keys and list positions from the root. */
export type Path = readonly (string | number)[];
