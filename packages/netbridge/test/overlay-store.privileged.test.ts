import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { openStore } from '../src/overlay/open-store.js'
import type { OverlayStore } from '../src/overlay/store.js'
import { startEtcd } from './support/etcd.js'

const never = new AbortController().signal

/** What both stores have to do, seen by two who have them open. */
function behaves(open: () => Promise<{ url: string } & AsyncDisposable>): void {
  async function both(): Promise<{ a: OverlayStore; b: OverlayStore } & AsyncDisposable> {
    const place = await open()
    const [a, b] = [openStore(place.url), openStore(place.url)]
    return {
      a,
      b,
      async [Symbol.asyncDispose]() {
        a[Symbol.dispose]()
        b[Symbol.dispose]()
        await place[Symbol.asyncDispose]()
      },
    }
  }

  it('lets one of many claim a key, and lists what is below a prefix', async () => {
    await using stores = await both()
    const { a, b } = stores
    const claims = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        (index % 2 === 0 ? a : b).create('n/x', `host ${index}`),
      ),
    )
    expect(new Set(claims).size).toBe(1)
    await a.create('n/y', 'über 日本')
    await b.create('other', '1')
    const { entries } = await b.list('n/')
    expect([...entries]).toEqual([
      ['n/x', claims[0]],
      ['n/y', 'über 日本'],
    ])
    await a.deleteIf('n/x', 'not this')
    expect((await b.list('n/x')).entries.size).toBe(1)
    await a.deleteIf('n/x', claims[0]!)
    expect((await b.list('n/x')).entries.size).toBe(0)
  })

  it('tells of changes below a prefix, also of those since a moment in the past', async () => {
    await using stores = await both()
    const { a, b } = stores
    const { revision } = await a.list('n/')
    const told = a.changed('n/', revision, never)
    await b.create('n/1', '')
    await told
    await a.changed('n/', revision, never)
    const stop = new AbortController()
    const waiting = a.changed('n/', (await a.list('n/')).revision, stop.signal)
    stop.abort()
    await waiting
  })

  it('forgets what is not announced again, and tells of it', async () => {
    await using stores = await both()
    const { a, b } = stores
    await a.announce('n/a', 'here', 2)
    await a.announce('n/a', 'there', 2)
    const { entries, revision } = await b.list('n/')
    expect([...entries]).toEqual([['n/a', 'there']])
    const lapse = b.changed('n/', revision, never)
    await a.announce('n/a', 'there', 2) // changes nothing
    expect((await b.list('n/')).revision).toBe(revision)
    await lapse
    expect((await b.list('n/')).entries.size).toBe(0)
    await a.announce('n/a', 'there', 60)
    expect((await b.list('n/')).entries.size).toBe(1)
    await a.withdraw('n/a')
    expect((await b.list('n/')).entries.size).toBe(0)
  })
}

describe('a store in a folder', () => {
  behaves(() => {
    const folder = temporaryFolder()
    return Promise.resolve({
      url: `file://${folder.path}/store`,
      [Symbol.asyncDispose]() {
        folder[Symbol.dispose]()
        return Promise.resolve()
      },
    })
  })
})

describe('a store in etcd', () => {
  behaves(() => startEtcd('127.0.0.1'))

  it('is asked over TLS, by who has a certificate', async () => {
    const tls = fileURLToPath(new URL('fixtures/tls', import.meta.url))
    await using etcd = await startEtcd('127.0.0.1', tls)
    using store = openStore(`${etcd.url}?ca=${tls}/ca.pem&cert=${tls}/client.pem&key=${tls}/client.key`)
    expect(await store.create('k', 'v')).toBe('v')
    const told = store.changed('k', (await store.list('k')).revision, never)
    await store.announce('k2', 'v', 60)
    await told
    for (const query of ['', `?ca=${tls}/ca.pem`]) {
      using other = openStore(`${etcd.url}${query}`)
      await expect(other.list('k')).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_STORE' })
    }
  })

  it('says that it cannot be reached, and is there again afterwards', async () => {
    await using etcd = await startEtcd('127.0.0.1')
    using store = openStore(`etcd://127.0.0.1:1,${etcd.url.slice(7)}/some/where`)
    await store.create('k', 'v') // of two members the one that is there
    await store.announce('a', '1', 60)
    const watching = store.changed('', (await store.list('')).revision, never)
    const failed = expect(watching).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_STORE' })
    await etcd.stop()
    await failed
    await expect(store.list('')).rejects.toMatchObject({ code: 'ERR_NETBRIDGE_STORE' })
    await etcd.start()
    await store.announce('a', '2', 60)
    expect([...(await store.list('')).entries]).toEqual([
      ['a', '2'],
      ['k', 'v'],
    ])
  })
})
