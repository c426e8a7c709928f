import { randomBytes } from 'node:crypto'
import type { LogDriver } from '../driver.js'
import type { LogBatch } from '../entry.js'
import { attributesOf, type LogSource } from '../source.js'
import { CloudLogging, packEntry } from './cloud-logging.js'
import type { GceInstance } from './gce-machine.js'
import { needsPackage } from './optional-package.js'
import { RemoteSink } from './remote-sink.js'

type Config = Readonly<Record<string, string>>

/** Entries of one request. */
const atOnce = { bytes: 512 * 1024, messages: 1000 }

/**
 * Google Cloud Logging.
 *
 * @param origin - Of its API.
 */
export function gcplogsAt(origin: string): LogDriver {
  return {
    options: ['gcp-project', 'gcp-log-cmd', 'gcp-meta-zone', 'gcp-meta-name', 'gcp-meta-id'],
    unknown: (option) => `${JSON.stringify(option)} is not a valid option for the gcplogs driver`,
    check: () => needsPackage('gcplogs', 'google-auth-library', '10'),
    open(source, { onError }) {
      const target = {
        origin,
        project: nonEmpty(source.config['gcp-project']),
        instance: instanceOf(source.config),
      }
      const transport = new CloudLogging(target, onError)
      const encode = entryEncoder(source)
      const name = 'Google Cloud Logging'
      return { sink: new RemoteSink({ name, transport, encode, onError, atOnce, gatherMs: 1000 }) }
    },
  }
}

/** The service that all have. */
export const gcplogs = gcplogsAt('https://logging.googleapis.com')

function entryEncoder(source: LogSource): (line: string, batch: LogBatch) => Buffer {
  const metadata = attributesOf(source)
  const container = {
    name: `/${source.name}`,
    id: source.id,
    imageName: source.imageName,
    imageId: source.imageId,
    created: source.created,
    // as Docker reads it: nothing else means yes
    ...(source.config['gcp-log-cmd'] === 'true' && { command: source.command.join(' ') }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  }
  // by which an entry that is sent again is known
  const epoch = randomBytes(9).toString('base64url')
  let ordinal = 0
  return (message, { time }) =>
    packEntry({
      timestamp: time,
      insertId: `${epoch}-${String(++ordinal).padStart(12, '0')}`,
      jsonPayload: { container, message },
    })
}

function instanceOf(config: Config): GceInstance | undefined {
  const [zone, name, id] = [config['gcp-meta-zone'], config['gcp-meta-name'], config['gcp-meta-id']].map(
    nonEmpty,
  )
  return zone === undefined && name === undefined && id === undefined ? undefined : { zone, name, id }
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)
