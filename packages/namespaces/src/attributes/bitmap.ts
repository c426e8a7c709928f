/** Numbers as a bitmap, as sched_setaffinity(2) and set_mempolicy(2) take it: words of 64 bits, at least one. */
export function bitmapOf(numbers: readonly number[]): Uint8Array {
  const words = Math.floor(Math.max(0, ...numbers) / 64) + 1
  const bitmap = new Uint8Array(words * 8)
  for (const number of numbers) bitmap[number >> 3]! |= 1 << (number & 7)
  return bitmap
}
