import { badRequest } from '../../errors.js'
import { BoundedPattern } from '../bounded-pattern.js'
import type { LogDriver } from '../driver.js'
import type { LogBatch, LogSink } from '../entry.js'
import { parseLogFlag } from '../sizes.js'
import { tagOf, type LogSource } from '../source.js'
import { LogStream, mostAtOnce, mostEventBytes, packEvent } from './cloudwatch.js'
import { datetimePattern } from './datetime-pattern.js'
import { EventJoiner } from './event-joiner.js'
import { needsPackage } from './optional-package.js'
import { Outbox } from './outbox.js'

type Config = Readonly<Record<string, string>>

/** Amazon CloudWatch Logs. */
export const awslogs: LogDriver = {
  options: [
    'awslogs-region',
    'awslogs-endpoint',
    'awslogs-group',
    'awslogs-stream',
    'awslogs-create-group',
    'awslogs-create-stream',
    'awslogs-datetime-format',
    'awslogs-multiline-pattern',
    'awslogs-credentials-endpoint',
    'awslogs-format',
    'awslogs-force-flush-interval-seconds',
    'awslogs-max-buffered-events',
  ],
  unknown: (option) => `unknown log opt '${option}' for awslogs log driver`,
  check(config) {
    settingsOf(config)
    needsPackage('awslogs', '@aws-sdk/client-cloudwatch-logs', '3')
  },
  open(source, { onError }) {
    return { sink: new EventSink(source, onError) }
  },
}

/** Gathers events, as each request costs, and there may be few of them a second. */
class EventSink implements LogSink {
  readonly #joiner: EventJoiner
  readonly #outbox: Outbox
  readonly #flushMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(source: LogSource, onError: (error: unknown) => void) {
    const { flushMs, mostBuffered, pattern, ...target } = settingsOf(source.config)
    const stream = target.stream ?? tagOf(source, '{{.FullID}}')
    this.#flushMs = flushMs
    this.#joiner = new EventJoiner(mostEventBytes, pattern)
    this.#outbox = new Outbox({
      name: `CloudWatch Logs, ${target.group}/${stream}`,
      transport: new LogStream({ ...target, stream }, onError),
      onError,
      gatherMs: flushMs,
      atOnce: mostAtOnce,
      // what is on its way, and as much again
      mostBytes: 2 * mostAtOnce.bytes,
      mostMessages: mostAtOnce.messages + mostBuffered,
    })
  }

  write(batch: LogBatch): Promise<void> | undefined {
    const wait = this.#outbox.take(this.#joiner.add(batch).map(packEvent))
    if (this.#joiner.isHolding) this.#flushLater()
    return wait
  }

  end(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    void this.#outbox.take(this.#joiner.flush().map(packEvent))
    this.#outbox.end()
    return Promise.resolve()
  }

  /** An event ends by itself when nothing more of it comes. */
  #flushLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#outbox.take(this.#joiner.flush(this.#flushMs).map(packEvent))
      if (this.#joiner.isHolding) this.#flushLater()
    }, this.#flushMs).unref()
  }
}

interface Settings {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly credentialsPath: string | undefined
  readonly group: string
  readonly stream: string | undefined
  readonly createsGroup: boolean
  readonly createsStream: boolean
  readonly format: string | undefined
  readonly pattern: BoundedPattern | undefined
  readonly flushMs: number
  readonly mostBuffered: number
}

/** @throws `ApiError` 400 with Docker's words. */
function settingsOf(config: Config): Settings {
  const option = (name: string): string | undefined => {
    const text = config[`awslogs-${name}`] ?? ''
    return text === '' ? undefined : text
  }
  const group = option('group')
  if (group === undefined) throw badRequest("must specify a value for log opt 'awslogs-group'")
  const format = option('format')
  if (format !== undefined && format !== 'json/emf') throw badRequest(`unsupported log format '${format}'`)
  return {
    region: option('region'),
    endpoint: endpointOf(option('endpoint')),
    credentialsPath: credentialsPathOf(option('credentials-endpoint')),
    group,
    stream: option('stream'),
    createsGroup: parseLogFlag(option('create-group') ?? 'false'),
    createsStream: parseLogFlag(option('create-stream') ?? 'true'),
    format,
    pattern: patternOf(config, format),
    flushMs:
      positive('awslogs-force-flush-interval-seconds', option('force-flush-interval-seconds') ?? '5') * 1000,
    mostBuffered: positive('awslogs-max-buffered-events', option('max-buffered-events') ?? '4096'),
  }
}

function patternOf(config: Config, format: string | undefined): BoundedPattern | undefined {
  const [datetime, multiline] = ['awslogs-datetime-format', 'awslogs-multiline-pattern'] as const
  if (datetime in config && multiline in config)
    throw badRequest(`you cannot configure log opt '${datetime}' and '${multiline}' at the same time`)
  if (format !== undefined && (datetime in config || multiline in config))
    throw badRequest(
      `you cannot configure log opt '${datetime}' or '${multiline}' when log opt 'awslogs-format' is set to '${format}'`,
    )
  const text = config[multiline] ?? datetimePattern(config[datetime] ?? '')
  if (text === '') return undefined
  try {
    return new BoundedPattern(text)
  } catch (error) {
    throw badRequest(`awslogs could not parse multiline pattern key "${text}": ${(error as Error).message}`)
  }
}

function positive(name: string, text: string): number {
  // a timer cannot wait for longer than 2^31 ms
  if (!/^\d{1,6}$/.test(text) || Number(text) === 0)
    throw badRequest(`must specify a positive integer for log opt '${name}': ${text}`)
  return Number(text)
}

function endpointOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw badRequest(`invalid awslogs-endpoint ${JSON.stringify(text)}: http://... or https://... is needed`)
  return text
}

function credentialsPathOf(text: string | undefined): string | undefined {
  if (text !== undefined && !text.startsWith('/'))
    throw badRequest(`invalid awslogs-credentials-endpoint ${JSON.stringify(text)}: it must begin with a /`)
  return text
}
