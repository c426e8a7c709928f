/** What the clock of microseconds, which only counts, is behind the time of the day. */
let origin = performance.timeOrigin
/** Further apart than this they are when somebody has set the clock, or the machine has slept. */
const mostApartMs = 5

/** Now in RFC 3339 with nanoseconds, of which the last three are zeros: a clock of Node has microseconds. */
export function timestamp(): string {
  const wall = Date.now()
  if (Math.abs(origin + performance.now() - wall) > mostApartMs) origin = wall - performance.now()
  const now = origin + performance.now()
  const micros = Math.floor((now % 1) * 1000)
  return `${new Date(now).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}000Z`
}

/** A time of RFC 3339 in nanoseconds since 1970, to compare. */
export function nanosOf(text: string): bigint {
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(text) ?? []
  const whole = Date.parse(`${seconds ?? ''}Z`)
  return Number.isNaN(whole) ? 0n : BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9))
}
