/** What tests of faults begin with, to be given again as `CTR_SEED`; in their titles, so that a failure tells it. */
export const seed = Number(process.env['CTR_SEED'] ?? 1 + Math.floor(Math.random() * (2 ** 31 - 1)))

/** Pseudo-random whole numbers from 0 to below `bound`, the same for the same start (xorshift32). */
export function numbersFrom(start: number): (bound: number) => number {
  let state = start | 0 || 1
  return (bound) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
}
