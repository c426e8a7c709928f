import { usageError } from '../errors.js'

/** Reads `NAME=value` pairs; a name alone has an empty value. */
export function parsePairs(
  lines: readonly string[],
  option: string,
  { needsValue = false }: { readonly needsValue?: boolean } = {},
): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=')
      const name = at < 0 ? line : line.slice(0, at)
      if (name === '' || (needsValue && at < 0))
        throw usageError(`invalid argument "${line}" for ${option}: NAME=VALUE is needed`)
      return [name, at < 0 ? '' : line.slice(at + 1)]
    }),
  )
}
