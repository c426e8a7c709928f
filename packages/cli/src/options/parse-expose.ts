import { usageError } from '../errors.js'

/** Reads `--expose PORT[-PORT][/PROTOCOL]`. @returns Each as `PORT/PROTOCOL`. */
export function parseExpose(text: string): readonly string[] {
  const [, first, last = first, protocol = 'tcp'] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (!(from >= 1 && from <= to && to <= 65_535))
    throw usageError(`invalid argument "${text}" for --expose: PORT[-PORT][/tcp|udp|sctp] is needed`)
  return Array.from({ length: to - from + 1 }, (_none, n) => `${from + n}/${protocol}`)
}
