/**
 * The whole number in a part of a text: files of counters are read often, and a part that is cut out for every number
 * costs more than the number. Pure.
 *
 * @returns `NaN` when something else is there, or nothing.
 */
export function wholeNumber(text: string, start: number, end: number): number {
  if (start >= end) return NaN
  let value = 0
  for (let index = start; index < end; index++) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return NaN
    value = value * 10 + digit
  }
  // beyond that digits are lost, each time anew
  return value <= Number.MAX_SAFE_INTEGER ? value : Number(text.slice(start, end))
}

/** Where the line ends that begins at `start`. Pure. */
export function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end
}
