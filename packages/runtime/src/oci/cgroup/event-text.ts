/**
 * JSON of an event or of statistics, as `JSON.stringify` but that a `bigint` is printed as the number that it is: limits
 * of the kernel are beyond what a `number` holds exactly. Names of a map keep their order.
 */
export function eventText(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map((item) => eventText(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => `${JSON.stringify(name)}:${eventText(field)}`)
  return `{${fields.join(',')}}`
}
