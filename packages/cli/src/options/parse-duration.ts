import { usageError } from '../errors.js'

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Reads a time as Docker writes it: `90s`, `1h30m`, `500ms`, and `7d` for days.
 *
 * @param option - Where it was given, for the error.
 * @returns Milliseconds.
 */
export function parseDuration(text: string, option: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)]
  const whole = parts.map(([part]) => part).join('')
  if (whole === '' || whole !== text) {
    throw usageError(
      `invalid argument "${text}" for ${option}: a time is a number with ms, s, m, h or d, such as 1h30m`,
    )
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit as keyof typeof units], 0)
}
