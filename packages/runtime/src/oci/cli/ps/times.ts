const dayMs = 24 * 3600 * 1000

/** When a process began: the time when that was in the last day, else the day, else the year. */
export function startTime(began: number, now: number): string {
  const date = new Date(began)
  const then = new Date(now)
  if (now - began < dayMs && date.getDate() === then.getDate()) {
    return `${two(date.getHours())}:${two(date.getMinutes())}`
  }
  if (date.getFullYear() === then.getFullYear()) {
    return `${date.toLocaleString('en-US', { month: 'short' })}${two(date.getDate())}`
  }
  return String(date.getFullYear())
}

/** CPU time as `HH:MM:SS`, days in front when there are any; or as `M:SS`. */
export function cpuTime(seconds: number, { hours }: { readonly hours: boolean }): string {
  const whole = Math.trunc(seconds)
  if (!hours) return `${Math.trunc(whole / 60)}:${two(whole % 60)}`
  return withDays(whole, `${two(Math.trunc(whole / 3600) % 24)}:${minutes(whole)}`)
}

/** Time since a process began, as `[[DD-]HH:]MM:SS`. */
export function elapsedTime(seconds: number): string {
  const whole = Math.trunc(seconds)
  return whole < 3600
    ? minutes(whole)
    : withDays(whole, `${two(Math.trunc(whole / 3600) % 24)}:${minutes(whole)}`)
}

function minutes(seconds: number): string {
  return `${two(Math.trunc(seconds / 60) % 60)}:${two(seconds % 60)}`
}

function withDays(seconds: number, text: string): string {
  const days = Math.trunc(seconds / 86400)
  return days === 0 ? text : `${days}-${text}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
