const decimal = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Bytes with three digits and a unit of powers of 1000, as `2.16MB`. */
export function formatSize(bytes: number): string {
  return scaled(bytes, 1000, decimal, 3)
}

/** Bytes with four digits and a unit of powers of 1024, as `62.43MiB`. */
export function formatMemory(bytes: number): string {
  return scaled(bytes, 1024, binary, 4)
}

function scaled(bytes: number, step: number, units: readonly string[], digits: number): string {
  let value = bytes
  let unit = 0
  while (value >= step && unit < units.length - 1) {
    value /= step
    unit++
  }
  return `${Number(value.toPrecision(digits))}${units[unit]!}`
}

const day = 86_400

// as Docker counts them: weeks from 14 days on, months from 60, years from 730
const steps = [
  { below: 14 * day, seconds: day, name: 'days' },
  { below: 60 * day, seconds: 7 * day, name: 'weeks' },
  { below: 730 * day, seconds: 30 * day, name: 'months' },
] as const

/** A span of time in words, as `About a minute` or `3 weeks`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  if (seconds < 120) return 'About a minute'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} minutes`
  if (seconds < 7200) return 'About an hour'
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} hours`
  const step = steps.find(({ below }) => seconds < below)
  if (step !== undefined) return `${Math.floor(seconds / step.seconds)} ${step.name}`
  return `${Math.floor(seconds / (365 * day))} years`
}

/** How long ago something was, as `3 weeks ago`; `N/A` when it is not known. */
export function formatAgo(date: string | number | undefined, now: number = Date.now()): string {
  const time = typeof date === 'string' ? Date.parse(date) : (date ?? Number.NaN)
  return Number.isNaN(time) ? 'N/A' : `${formatDuration(now - time)} ago`
}
