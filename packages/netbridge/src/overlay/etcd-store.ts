import { storeError, type EtcdGateway } from './etcd-gateway.js'
import type { OverlayStore, StoreView } from './store.js'

/** Of an answer of etcd as JSON: numbers of 64 bits are text, and what is zero is left out. */
interface Answer {
  readonly header?: { readonly revision?: string }
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[]
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: Answer }[]
  readonly ID?: string
  readonly TTL?: string
  readonly result?: Answer
  readonly events?: readonly unknown[]
  readonly canceled?: boolean
}

interface Announcement {
  readonly lease: string
  readonly value: string
}

/** A store in etcd, v3. What is announced hangs on a lease. */
export class EtcdStore implements OverlayStore {
  readonly #gateway: EtcdGateway
  readonly #prefix: string
  readonly #announced = new Map<string, Announcement>()

  /** @param prefix - What all keys begin with there. */
  constructor(gateway: EtcdGateway, prefix: string) {
    this.#gateway = gateway
    this.#prefix = `${prefix}/`
  }

  async list(prefix: string): Promise<StoreView> {
    const { header, kvs = [] } = await this.#call('kv/range', this.#below(prefix))
    const entries = kvs.map(
      ({ key, value = '' }) => [text(key).slice(this.#prefix.length), text(value)] as const,
    )
    return { entries: new Map(entries), revision: header?.revision ?? '0' }
  }

  async create(key: string, value: string): Promise<string> {
    const at = this.#key(key)
    const { succeeded, responses } = await this.#call('kv/txn', {
      compare: [{ key: at, target: 'CREATE', create_revision: '0', result: 'EQUAL' }],
      success: [{ request_put: { key: at, value: base64(value) } }],
      failure: [{ request_range: { key: at } }],
    })
    if (succeeded === true) return value
    return text(responses?.[0]?.response_range?.kvs?.[0]?.value ?? '')
  }

  async deleteIf(key: string, value: string): Promise<void> {
    const at = this.#key(key)
    await this.#call('kv/txn', {
      compare: [{ key: at, target: 'VALUE', value: base64(value), result: 'EQUAL' }],
      success: [{ request_delete_range: { key: at } }],
    })
  }

  async announce(key: string, value: string, ttlSeconds: number): Promise<void> {
    const before = this.#announced.get(key)
    const lives = before !== undefined && (await this.#keepAlive(before.lease))
    if (lives && before.value === value) return
    const lease = lives ? before.lease : await this.#grant(ttlSeconds)
    await this.#call('kv/put', { key: this.#key(key), value: base64(value), lease })
    this.#announced.set(key, { lease, value })
  }

  async withdraw(key: string): Promise<void> {
    this.#announced.delete(key)
    await this.#call('kv/deleterange', { key: this.#key(key) })
  }

  async changed(prefix: string, since: string, signal: AbortSignal): Promise<void> {
    const start = String(BigInt(since) + 1n)
    const request = { create_request: { ...this.#below(prefix), start_revision: start } }
    const ended = new AbortController()
    try {
      for await (const message of this.#gateway.stream(
        'watch',
        request,
        AbortSignal.any([signal, ended.signal]),
      )) {
        const { events = [], canceled } = (message as Answer).result ?? {}
        if (events.length > 0 || canceled === true) return // cancelled: too long ago, much has changed
      }
      if (!signal.aborted) throw storeError('watch', new Error('the connection was closed'))
    } finally {
      ended.abort()
    }
  }

  [Symbol.dispose](): void {
    this.#gateway[Symbol.dispose]()
  }

  /** @returns False when it has expired. */
  async #keepAlive(lease: string): Promise<boolean> {
    const { result } = await this.#call('lease/keepalive', { ID: lease })
    return Number(result?.TTL ?? 0) > 0
  }

  async #grant(ttlSeconds: number): Promise<string> {
    const { ID } = await this.#call('lease/grant', { TTL: ttlSeconds })
    if (ID === undefined) throw storeError('lease/grant', new Error('an answer without a lease'))
    return ID
  }

  async #call(path: string, body: unknown): Promise<Answer> {
    const answer = await this.#gateway.call(path, body)
    if (typeof answer !== 'object' || answer === null) throw storeError(path, new Error('no answer of etcd'))
    return answer
  }

  #key(key: string): string {
    return base64(this.#prefix + key)
  }

  #below(prefix: string): { readonly key: string; readonly range_end: string } {
    const start = this.#prefix + prefix
    const end = start.slice(0, -1) + String.fromCharCode(start.charCodeAt(start.length - 1) + 1)
    return { key: base64(start), range_end: base64(end) }
  }
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64')
}

function text(value: string): string {
  return Buffer.from(value, 'base64').toString()
}
