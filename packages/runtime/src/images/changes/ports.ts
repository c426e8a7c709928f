import { RuntimeError } from '../../errors.js'

const pattern = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i

/**
 * A port that an image exposes, or a range of them: `80`, `53/udp`, `8000-8010/tcp`.
 *
 * @returns Each as `port/protocol`.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`
 */
export function parseExposed(text: string): readonly string[] {
  const [, first, last = first, protocol = 'tcp'] = pattern.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === undefined || from < 1 || to > 65535 || from > to) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot expose ${JSON.stringify(text)}: it must be PORT[-PORT][/tcp|udp|sctp], ports 1 to 65535`,
    )
  }
  return Array.from({ length: to - from + 1 }, (_, n) => `${from + n}/${protocol.toLowerCase()}`)
}
