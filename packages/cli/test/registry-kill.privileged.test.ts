import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { leakCheck, temporaryFolder } from '@ctr/testing'
import { digestOf, mediaTypes, RegistryClient, RegistryServer, type Descriptor } from '@ctr/registry'
import { Ctrjs } from './ctrjs.js'

leakCheck()

/** Kills in one run of the tests; a longer one can be asked for. */
const kills = Number(process.env['CTR_KILLS'] ?? 12)
/** Kills of one registry: what it has is looked at whole after each, which takes longer the more there is. */
const killsOfOne = 10
const clientOptions = { credentials: 'anonymous', retries: 0 } as const

/** What a server has said that it has. */
interface Promised {
  readonly blobs: Set<string>
  readonly manifests: Map<string, string>
}

/** Pushes an image, and notes what of it the server has taken. */
async function pushImage(
  client: RegistryClient,
  { name, tag, layerBytes }: { readonly name: string; readonly tag: string; readonly layerBytes: number },
  promised: Promised,
): Promise<void> {
  const push = async (bytes: Buffer, mediaType: string): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
    await client.pushBlob(name, descriptor, () => Readable.from([bytes]))
    promised.blobs.add(descriptor.digest)
    return descriptor
  }
  const config = await push(Buffer.from(JSON.stringify({ tag })), mediaTypes.ociConfig)
  const layer = await push(randomBytes(layerBytes), mediaTypes.ociLayer)
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }
  const { digest } = await client.pushManifest(`${name}:${tag}`, Buffer.from(JSON.stringify(manifest)))
  promised.manifests.set(tag, digest)
}

/** Pushes images, one after the other, until the server is gone. */
async function pushUntilKilled(address: string, who: string, promised: Promised): Promise<void> {
  await using client = new RegistryClient(clientOptions)
  const name = `${address}/team/app`
  try {
    for (let n = 0; ; n++)
      await pushImage(client, { name, tag: `${who}-${n}`, layerBytes: randomInt(1, 1_000_000) }, promised)
  } catch {
    // killed in the middle: what was promised until then counts
  }
}

/** Every blob must have the content that its name says. */
function checkBlobs(root: string): void {
  const folder = join(root, 'blobs/sha256')
  for (const hex of readdirSync(folder)) {
    expect(digestOf(readFileSync(join(folder, hex)))).toBe(`sha256:${hex}`)
  }
}

/** A server that is started again must have all that was promised, whole. */
async function checkPromised(root: string, { blobs, manifests }: Promised): Promise<void> {
  await using server = await RegistryServer.start({ root })
  await using client = new RegistryClient(clientOptions)
  const name = `${server.address}/team/app`
  for (const digest of blobs) expect(await client.hasBlob(name, digest)).toBe(true)
  for (const [tag, digest] of manifests) {
    expect((await client.manifest(`${name}:${tag}`)).descriptor.digest).toBe(digest)
  }
  // the repository is not known before its first blob
  const tags = blobs.size === 0 ? [] : client.tags(name)
  for await (const tag of tags) {
    const { manifest } = await client.resolve(`${name}:${tag}`)
    for (const part of [manifest.config, ...manifest.layers]) {
      expect(await client.hasBlob(name, part.digest)).toBe(true)
    }
  }
  expect(readdirSync(join(root, 'partial'))).toEqual([])
  // what was not ended can be gone on with, or is given back once it was idle
  const ids = readdirSync(join(root, 'uploads'))
  for (const id of ids.filter((file) => file.endsWith('.json'))) {
    const path = `/v2/team/app/blobs/uploads/${id.replace('.json', '')}`
    expect((await fetch(server.url + path)).status).toBe(204)
    expect((await fetch(server.url + path, { method: 'DELETE' })).status).toBe(204)
  }
  expect(readdirSync(join(root, 'uploads'))).toEqual([])
}

/** Starts a server that is to be killed. */
async function serve(
  ctrjs: Ctrjs,
  root: string,
  ...flags: string[]
): Promise<{ child: ReturnType<Ctrjs['start']>; ended: Promise<unknown>; address: string }> {
  const child = ctrjs.start('registry', 'serve', '--root', root, '--port', '0', ...flags)
  const ended = once(child, 'exit')
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, ended, address: line.replace('registry listening on ', '') }
}

/** Without tags, all that the images took is free again. */
async function expectReclaimed(root: string): Promise<void> {
  await using server = await RegistryServer.start({ root })
  await using client = new RegistryClient(clientOptions)
  const name = `${server.address}/team/app`
  for await (const tag of client.tags(name)) {
    await fetch(`${server.url}/v2/team/app/manifests/${tag}`, { method: 'DELETE' })
  }
  await server.collectGarbage({ graceMs: 0, untagged: true })
  expect(readdirSync(join(root, 'blobs/sha256'))).toEqual([])
}

/** Pushes images of which only every fifth keeps its tag, and notes what has to stay. */
async function litter(root: string, kept: Promised): Promise<void> {
  await using server = await RegistryServer.start({ root })
  await using client = new RegistryClient(clientOptions)
  const name = `${server.address}/team/app`
  const round = kept.manifests.size
  for (let n = 0; n < 15; n++) {
    const tag = `r${round}-${n}`
    const stays = n % 5 === 0
    const promised = stays ? kept : { blobs: new Set<string>(), manifests: new Map<string, string>() }
    await pushImage(client, { name, tag, layerBytes: randomInt(1, 20_000) }, promised)
    if (!stays) await fetch(`${server.url}/v2/team/app/manifests/${tag}`, { method: 'DELETE' })
  }
}

/** Runs `act` as often as there are kills, with a new folder for a registry now and then, and `check` for each of these. */
async function eachKill(
  folder: string,
  act: (root: string, promised: Promised) => Promise<void>,
  check: (root: string, promised: Promised) => Promise<void>,
): Promise<void> {
  const root = join(folder, 'registry')
  for (let left = kills; left > 0; left -= killsOfOne) {
    const promised: Promised = { blobs: new Set(), manifests: new Map() }
    for (let kill = Math.min(left, killsOfOne); kill > 0; kill--) {
      await act(root, promised)
      checkBlobs(root)
      await checkPromised(root, promised)
    }
    await check(root, promised)
    rmSync(root, { recursive: true })
  }
}

describe('registry serve, killed at any instant of pushes', () => {
  it(
    'has all that it promised, and nothing by halves',
    async () => {
      using folder = temporaryFolder()
      const ctrjs = new Ctrjs(folder.path)
      let taken = 0
      await eachKill(
        folder.path,
        async (root, promised) => {
          const { child, ended, address } = await serve(ctrjs, root)
          const pushes = ['a', 'b', 'c', 'd'].map((who) =>
            pushUntilKilled(address, `${who}${promised.blobs.size}`, promised),
          )
          await sleep(randomInt(5, 500))
          child.kill('SIGKILL')
          await Promise.all([ended, ...pushes])
        },
        async (root, promised) => {
          taken += promised.blobs.size
          if (promised.blobs.size > 0) await expectReclaimed(root)
        },
      )
      expect(taken).toBeGreaterThan(0)
    },
    60_000 + kills * 60_000,
  )
})

describe('registry serve, killed at any instant of its garbage collection', () => {
  it(
    'has all that tags lead to, and gives back the space of all else',
    async () => {
      using folder = temporaryFolder()
      const ctrjs = new Ctrjs(folder.path)
      const flags = ['--gc-interval', '1ms', '--gc-grace', '1ms', '--gc-untagged']
      await eachKill(
        folder.path,
        async (root, kept) => {
          await litter(root, kept)
          const { child, ended } = await serve(ctrjs, root, ...flags)
          await sleep(randomInt(200))
          child.kill('SIGKILL')
          await ended
        },
        async (root, kept) => {
          await using server = await RegistryServer.start({ root })
          await server.collectGarbage({ graceMs: 0, untagged: true })
          const wanted = [...kept.blobs, ...kept.manifests.values()].map((digest) =>
            digest.slice('sha256:'.length),
          )
          expect(readdirSync(join(root, 'blobs/sha256')).sort()).toEqual(wanted.sort())
        },
      )
    },
    60_000 + kills * 60_000,
  )
})
