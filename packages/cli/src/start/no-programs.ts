/** Stands for `node:child_process` in the bundle. */
export function spawn(): never {
  throw new Error('cannot start a program: ctrjs starts none')
}
