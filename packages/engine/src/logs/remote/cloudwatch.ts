import type {
  CloudWatchLogs,
  InputLogEvent,
  PutLogEventsCommandOutput,
} from '@aws-sdk/client-cloudwatch-logs'
import { engineVersion } from '../../engine-version.js'
import { containerCredentials, regionOfInstance } from './aws-machine.js'
import type { LogEvent } from './event-joiner.js'
import type { Transport } from './outbox.js'

/** What each event counts beside its text, by the limits of PutLogEvents. */
const headBytes = 26
/** Text of an event. */
export const mostEventBytes = 256 * 1024 - headBytes
/** Events that one request may have. */
export const mostAtOnce = { bytes: 1024 * 1024, messages: 10_000 }
/** From the first to the last event of a request. */
const mostSpanMs = 24 * 3600 * 1000

/** An event as a message that is as long as the service counts it. */
export function packEvent({ time, text }: LogEvent): Buffer {
  const size = Buffer.byteLength(text)
  const message = Buffer.alloc(headBytes + size)
  message.writeDoubleLE(Date.parse(time))
  message.write(text, headBytes)
  return message
}

/** Where events go. */
export interface LogStreamTarget {
  /** Default: that of `AWS_REGION`, or of the machine. */
  readonly region: string | undefined
  readonly endpoint: string | undefined
  /** Credentials come from there, as containers of ECS get them; default: from wherever the SDK finds them. */
  readonly credentialsPath: string | undefined
  readonly group: string
  readonly stream: string
  readonly createsGroup: boolean
  readonly createsStream: boolean
  /** What events are besides text. */
  readonly format: string | undefined
}

/** A stream of Amazon CloudWatch Logs. It is made by the first events. */
export class LogStream implements Transport {
  readonly #target: LogStreamTarget
  readonly #onError: (error: unknown) => void
  #api: CloudWatchLogs | undefined
  #isMade: boolean

  constructor(target: LogStreamTarget, onError: (error: unknown) => void) {
    this.#target = target
    this.#onError = onError
    this.#isMade = !target.createsStream
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    const api = (this.#api ??= await this.#open())
    if (!this.#isMade) await this.#make(api)
    this.#isMade = true
    for (const events of spans(messages.map(unpackEvent))) await this.#put(api, events)
  }

  close(): void {
    this.#api?.destroy()
    this.#api = undefined
  }

  async #open(): Promise<CloudWatchLogs> {
    const { CloudWatchLogs } = await import('@aws-sdk/client-cloudwatch-logs')
    const { region, endpoint, credentialsPath, format } = this.#target
    const api = new CloudWatchLogs({
      region: region ?? process.env['AWS_REGION'] ?? (await regionOfInstance()),
      ...(endpoint !== undefined && { endpoint }),
      ...(credentialsPath !== undefined && { credentials: () => containerCredentials(credentialsPath) }),
      customUserAgent: [[`ctr-engine`, engineVersion]],
      requestHandler: { connectionTimeout: 5000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    })
    if (format !== undefined)
      api.middlewareStack.add(
        (next) => (args) => {
          const { headers } = args.request as { readonly headers: Record<string, string> }
          headers['x-amzn-logs-format'] = format
          return next(args)
        },
        { step: 'build', name: 'logsFormat' },
      )
    return api
  }

  async #make(api: CloudWatchLogs): Promise<void> {
    const { group: logGroupName, stream: logStreamName, createsGroup } = this.#target
    try {
      await unlessThere(api.createLogStream({ logGroupName, logStreamName }))
    } catch (error) {
      if (nameOf(error) !== 'ResourceNotFoundException' || !createsGroup) throw error
      await unlessThere(api.createLogGroup({ logGroupName }))
      await unlessThere(api.createLogStream({ logGroupName, logStreamName }))
    }
  }

  async #put(api: CloudWatchLogs, logEvents: InputLogEvent[]): Promise<void> {
    const { group: logGroupName, stream: logStreamName } = this.#target
    try {
      this.#reportRejected(
        await api.putLogEvents({ logGroupName, logStreamName, logEvents }),
        logEvents.length,
      )
    } catch (error) {
      switch (nameOf(error)) {
        case 'DataAlreadyAcceptedException': // a try before has come through after all
          return
        case 'InvalidParameterException': // it would be so at each further try
          this.#onError(
            new Error(
              `CloudWatch Logs refuses ${logEvents.length} lines of ${logGroupName}/${logStreamName}`,
              {
                cause: error,
              },
            ),
          )
          return
        case 'ResourceNotFoundException': // somebody has deleted it
          this.#isMade = !this.#target.createsStream
          throw error
        default:
          throw error
      }
    }
  }

  /** Events that are too old or too new for the service are lost. */
  #reportRejected({ rejectedLogEventsInfo: rejected }: PutLogEventsCommandOutput, count: number): void {
    if (rejected === undefined) return
    const old = Math.max(rejected.tooOldLogEventEndIndex ?? 0, rejected.expiredLogEventEndIndex ?? 0)
    const young = count - (rejected.tooNewLogEventStartIndex ?? count)
    const { group, stream } = this.#target
    this.#onError(
      new Error(
        `CloudWatch Logs has not kept ${old + young} lines of ${group}/${stream}: ${old} are too old, ${young} too new`,
      ),
    )
  }
}

function unpackEvent(message: Buffer): InputLogEvent & { readonly timestamp: number } {
  return { timestamp: message.readDoubleLE(), message: message.toString('utf8', headBytes) }
}

/** Events in the order of time, parted where a clock was set: one request has those of a day. */
function spans<T extends { readonly timestamp: number }>(events: readonly T[]): T[][] {
  const spans: T[][] = []
  let from = -Infinity
  for (const event of [...events].sort((a, b) => a.timestamp - b.timestamp)) {
    if (event.timestamp - from >= mostSpanMs) {
      from = event.timestamp
      spans.push([])
    }
    spans.at(-1)!.push(event)
  }
  return spans
}

async function unlessThere(making: Promise<unknown>): Promise<void> {
  try {
    await making
  } catch (error) {
    if (nameOf(error) !== 'ResourceAlreadyExistsException') throw error
  }
}

const nameOf = (error: unknown): unknown => (error as { readonly name?: unknown } | null)?.name
