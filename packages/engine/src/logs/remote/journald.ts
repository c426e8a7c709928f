import { randomBytes } from 'node:crypto'
import type { LogDriver } from '../driver.js'
import { attributesOf, tagOf } from '../source.js'
import { UnixDatagramTransport } from './datagram-transport.js'
import { RemoteSink } from './remote-sink.js'

/**
 * The journal of systemd, by its own protocol: a datagram of fields an entry, or a file of them where they are many
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
 *
 * @param socket - Of the journal.
 */
export function journaldAt(socket: string): LogDriver {
  return {
    options: [],
    unknown: (option) => `unknown log opt '${option}' for journald log driver`,
    check: () => undefined,
    open(source, { onError }) {
      const epoch = randomBytes(32).toString('hex')
      let ordinal = 0
      return {
        sink: new RemoteSink({
          name: `the journal at ${socket}`,
          transport: new UnixDatagramTransport(socket, { largeAsFile: true }),
          onError,
          encode(line, { stream, time, part }) {
            const tag = tagOf(source)
            return journalEntry({
              ...attributesOf(source, fieldName), // first: they take the place of none below
              MESSAGE: line,
              PRIORITY: stream === 'stderr' ? '3' : '6',
              SYSLOG_IDENTIFIER: tag,
              SYSLOG_TIMESTAMP: time,
              CONTAINER_ID: source.id.slice(0, 12),
              CONTAINER_ID_FULL: source.id,
              CONTAINER_NAME: source.name,
              CONTAINER_TAG: tag,
              IMAGE_NAME: source.imageName,
              CONTAINER_LOG_EPOCH: epoch,
              CONTAINER_LOG_ORDINAL: String(++ordinal),
              ...(part && {
                CONTAINER_PARTIAL_ID: part.id,
                CONTAINER_PARTIAL_ORDINAL: String(part.ordinal),
                CONTAINER_PARTIAL_LAST: String(part.last),
                ...(!part.last && { CONTAINER_PARTIAL_MESSAGE: 'true' }),
              }),
            })
          },
        }),
      }
    },
  }
}

/** The journal of this machine. */
export const journald = journaldAt('/run/systemd/journal/socket')

/** `NAME=value` lines; a value of several lines has its length before it. */
function journalEntry(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => {
      if (name === '') return []
      if (!value.includes('\n')) return [Buffer.from(`${name}=${value}\n`)]
      const bytes = Buffer.from(value)
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(bytes.length))
      return [Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]
    }),
  )
}

/** A key as the journal has them: capitals, digits and underscores, none of those at the beginning. */
function fieldName(key: string): string {
  return key
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '_')
    .replace(/^_+/, '')
}
