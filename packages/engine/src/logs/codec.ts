import type { LogBatch, LogLine } from './entry.js'

/** How entries are written into a file: each ends with the only newline that it has. */
export interface LogCodec {
  encode(batch: LogBatch): Buffer
  /** @returns Undefined for what is no entry: a line that a crash has cut. */
  decode(line: string): LogLine | undefined
}

/** Characters that JSON escapes, besides the newline, which is written with what is between lines. */
// eslint-disable-next-line no-control-regex -- these are what is escaped
const escaped = /["\\\u0000-\u0009\u000b-\u001f]/g
const escapes = new Map<string, string>()

/**
 * Docker's json-file format: an object a line. Many lines are encoded at once, because a JSON.stringify for each of them
 * is most of what a log costs.
 *
 * @param attributes - Of the container, written into each entry as `attrs`.
 */
export function jsonCodec(attributes: Readonly<Record<string, string>>): LogCodec {
  const attrs = Object.keys(attributes).length === 0 ? '' : `,"attrs":${JSON.stringify(attributes)}`
  return {
    encode({ text, stream, time }) {
      const tail = `","stream":"${stream}"${attrs},"time":"${time}"}\n`
      const body = text.replace(escaped, escapeOne)
      const isWhole = body.endsWith('\n')
      const lines = (isWhole ? body.slice(0, -1) : body).replaceAll('\n', `\\n${tail}{"log":"`)
      return Buffer.from(`{"log":"${lines}${isWhole ? '\\n' : ''}${tail}`)
    },
    decode(line) {
      try {
        const entry = JSON.parse(line) as Partial<LogLine> | null
        if (typeof entry?.log !== 'string' || typeof entry.time !== 'string') return undefined
        return { log: entry.log, stream: entry.stream === 'stderr' ? 'stderr' : 'stdout', time: entry.time }
      } catch {
        return undefined
      }
    },
  }
}

/**
 * The format of Kubernetes' container logs, of the drivers `local` and the cache: `TIME STREAM F|P TEXT`, where P tells
 * that the line goes on in the next entry.
 */
export const plainCodec: LogCodec = {
  encode({ text, stream, time }) {
    const isWhole = text.endsWith('\n')
    const head = `${time} ${stream} `
    if (!isWhole) return Buffer.from(`${head}P ${text}\n`)
    return Buffer.from(`${head}F ${text.slice(0, -1).replaceAll('\n', `\n${head}F `)}\n`)
  },
  decode(line) {
    const [, time, stream, tag, text] = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s.exec(line) ?? []
    if (time === undefined || text === undefined) return undefined
    return { log: tag === 'F' ? `${text}\n` : text, stream: stream === 'stderr' ? 'stderr' : 'stdout', time }
  },
}

function escapeOne(character: string): string {
  let text = escapes.get(character)
  if (text === undefined) escapes.set(character, (text = JSON.stringify(character).slice(1, -1)))
  return text
}
