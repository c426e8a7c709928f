import { randomInt } from 'node:crypto'

/** One of those that are compared. */
export interface Subject {
  /** `ctr`, or the peer's name. */
  readonly name: string
  /** Does the work that often, one after the other, and says how long each took, in milliseconds. */
  run(iterations: number): Promise<readonly number[]>
  /** How often in a row. Default: the plan's. */
  readonly burst?: number | undefined
}

/** How often everybody has a turn. */
export interface Plan {
  readonly rounds: number
  /** Iterations of a turn. */
  readonly burst: number
  readonly signal: AbortSignal
}

/**
 * Measures all subjects by turns, a short burst each, so that drift of the machine (temperature, caches,
 * neighbours) meets all of them alike; in another order each round, so that nobody always has the memory and the disk as
 * the same other one leaves them. One turn more, the first, is not counted.
 *
 * @returns Milliseconds, by name.
 */
export async function interleave(
  subjects: readonly Subject[],
  { rounds, burst, signal }: Plan,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round <= rounds; round++) {
    for (const subject of shuffled(subjects)) {
      signal.throwIfAborted()
      const times = await subject.run(subject.burst ?? burst)
      if (round > 0) samples.get(subject.name)!.push(...times)
    }
  }
  return samples
}

function shuffled<T>(items: readonly T[]): T[] {
  const order = [...items]
  for (let left = order.length; left > 1; left--) {
    const picked = randomInt(left)
    ;[order[left - 1], order[picked]] = [order[picked]!, order[left - 1]!]
  }
  return order
}

/** A subject that is a function of this process. */
export function inProcess(work: () => unknown): Subject {
  return {
    name: 'ctr',
    async run(iterations) {
      const times: number[] = []
      for (let n = 0; n < iterations; n++) {
        const began = performance.now()
        await work()
        times.push(performance.now() - began)
      }
      return times
    },
  }
}
