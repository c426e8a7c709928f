import { native } from './native.js'

/** Koffi refuses more than 256 calls at once, and keeps memory for each: the others wait here. */
const MOST = 64

let running = 0
const waiting: (() => void)[] = []

/**
 * Runs the program whose control block is at `address` on a thread of libuv's pool.
 *
 * @returns What the trampoline returned: 0, the pid of the child, or a negative errno of clone3.
 */
export async function runOnPool(address: number): Promise<number> {
  return await onPool((done) => native().runOnPool(address, done))
}

/** Begins a native call on a thread of the pool, once there is room for one, and waits for its result. */
export async function onPool(
  begin: (done: (error: Error | null, result: number) => void) => void,
): Promise<number> {
  if (running >= MOST) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await new Promise<number>((resolve, reject) => {
      begin((error, result) => {
        if (error === null) resolve(result)
        else reject(error)
      })
    })
  } finally {
    const next = waiting.shift() // which takes over the place
    if (next === undefined) running--
    else next()
  }
}
