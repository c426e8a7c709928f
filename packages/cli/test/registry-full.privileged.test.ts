import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from '@jest/globals'
import { mount, umount2 } from '@ctr/linux'
import { digestOf, mediaTypes, RegistryClient, RegistryServer, type Descriptor } from '@ctr/registry'
import { describeOn, leakCheck, numbersFrom, seed, temporaryFolder } from '@ctr/testing'

leakCheck()

const rounds = Number(process.env['CTR_KILLS'] ?? 24)
const blobBytes = 300_000

/** Pushes one image of two blobs and a manifest, as clients do. */
async function push(name: string, tag: string, done: Set<string>): Promise<void> {
  await using client = new RegistryClient({ credentials: 'anonymous', retries: 0 })
  const blob = async (bytes: Buffer, mediaType: string): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
    await client.pushBlob(name, descriptor, () => Readable.from([bytes]))
    done.add(descriptor.digest)
    return descriptor
  }
  const config = await blob(Buffer.from(JSON.stringify({ tag })), mediaTypes.ociConfig)
  const layer = await blob(randomBytes(blobBytes), mediaTypes.ociLayer)
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }
  await client.pushManifest(`${name}:${tag}`, Buffer.from(JSON.stringify(manifest)))
  done.add(tag)
}

/** Takes all space but some pages. */
function fill(folder: string, pages: number): void {
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(join(folder, 'filler'), Buffer.alloc(Math.max(0, bavail - pages) * bsize))
}

describeOn(['root'], `A registry whose disk is full (CTR_SEED=${seed})`, () => {
  it(
    'says so, loses nothing that it took, and gives space back',
    async () => {
      using folder = temporaryFolder()
      const disk = join(folder.path, 'disk')
      const root = join(disk, 'content')
      mkdirSync(disk)
      mount('tmpfs', disk, 'tmpfs', 0, 'size=16m')
      try {
        const failures: unknown[] = []
        const taken = new Set<string>()
        await using server = await RegistryServer.start({ root, onError: (error) => failures.push(error) })
        const name = `${server.address}/team/app`
        await push(name, 'first', taken)
        const next = numbersFrom(seed)
        let refused = 0
        for (let round = 0; round < rounds; round += 1) {
          // up to the pages that an image needs: it gets anywhere between its first upload and its tag
          fill(disk, next(85))
          const outcome = await push(name, `tag-${round}`, taken).then(
            () => undefined,
            (error: unknown) => error,
          )
          rmSync(join(disk, 'filler'))
          if (outcome === undefined) continue
          refused += 1
          expect(outcome).toMatchObject({
            name: 'RegistryError',
            status: 507,
            message: expect.stringContaining('the registry has no space left on its disk') as unknown,
          })
        }
        expect(refused).toBeGreaterThan(0)
        expect(failures.length).toBeGreaterThanOrEqual(refused)
        await checkTaken(server, root, name, taken)
        await reclaim(server, root, name)
        await push(name, 'after', taken)
      } finally {
        umount2(disk)
      }
    },
    120_000 + rounds * 5000,
  )
})

/** What a client was told to be there is there, whole. */
async function checkTaken(
  server: RegistryServer,
  root: string,
  name: string,
  taken: ReadonlySet<string>,
): Promise<void> {
  await using client = new RegistryClient({ credentials: 'anonymous', retries: 0 })
  for (const one of taken) {
    if (one.startsWith('sha256:')) expect(await client.hasBlob(name, one)).toBe(true)
    else expect((await client.resolve(`${name}:${one}`)).manifest.layers).toHaveLength(1)
  }
  const blobs = join(root, 'blobs/sha256')
  for (const hex of readdirSync(blobs)) expect(digestOf(readFileSync(join(blobs, hex)))).toBe(`sha256:${hex}`)
  expect(readdirSync(join(root, 'partial'))).toEqual([])
  // uploads that broke can still be gone on with, or given up
  for (const file of readdirSync(join(root, 'uploads')).filter((one) => one.endsWith('.json'))) {
    const url = `${server.url}/v2/team/app/blobs/uploads/${file.replace('.json', '')}`
    expect((await fetch(url)).status).toBe(204)
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(204)
  }
  expect(readdirSync(join(root, 'uploads'))).toEqual([])
}

/** Without its manifests, all that the images took is free again. */
async function reclaim(server: RegistryServer, root: string, name: string): Promise<void> {
  await using client = new RegistryClient({ credentials: 'anonymous', retries: 0 })
  for await (const tag of client.tags(name)) {
    const { descriptor } = await client.manifest(`${name}:${tag}`)
    await client.deleteManifest(`${name}@${descriptor.digest}`)
  }
  await server.collectGarbage({ graceMs: 0, untagged: true })
  expect(readdirSync(join(root, 'blobs/sha256'))).toEqual([])
}
