import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { O_DIRECTORY, O_RDONLY, projectOf, projectQuota } from '@ctr/linux'
import { bundle, describeOn, leakCheck, quotaDisk, temporaryFolder } from '@ctr/testing'
import { LayerStore, VolumeStore } from '../src/index.js'
import { tarOf } from './tar-builder.js'

leakCheck()
jest.setTimeout(600_000)

const MiB = 2 ** 20
const layer = tarOf({ name: 'base', content: 'b'.repeat(MiB) })
// ext4 says the first, which Node.js has no word for; xfs the second
const full = /EDQUOT|UNKNOWN|-122|ENOSPC/

/** The numbers that a store has given out. */
function taken(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\d+$/.test(name))
}

/** Writes until it is refused, as any program does. */
function writeMuch(path: string, bytes: number): void {
  writeFileSync(path, Buffer.alloc(bytes, 'x'), { flush: true })
}

describeOn(
  ['root', 'overlay', 'bin:mkfs.ext4', 'bin:mkfs.xfs'],
  'limits of roots and volumes by project quotas',
  () => {
    it.each(['ext4', 'xfs'] as const)('end what is written to a root: %s', async (type) => {
      using disk = quotaDisk(type)
      const store = await LayerStore.open(join(disk.path, 'store'))
      const { diffId } = await store.add(Readable.from([layer]))
      {
        await using root = await store.createRoot('a', {
          layers: [diffId],
          storage: { bytes: 8 * MiB, inodes: 40 },
        })
        using place = temporaryFolder()
        await using mounted = root.attach(place.path)
        const at = (name: string): string => join(mounted.path, name)
        expect(root.storage()).toMatchObject({ bytes: 8 * MiB, inodes: 40 })

        const { blocks, bsize, files } = statfsSync(mounted.path)
        expect([blocks * bsize, files]).toEqual([8 * MiB, 40])

        writeMuch(at('some'), 2 * MiB)
        expect(root.storage()!.usedBytes).toBeGreaterThanOrEqual(2 * MiB)
        expect(() => writeMuch(at('much'), 32 * MiB)).toThrow(full)
        expect(root.storage()!.usedBytes).toBeLessThanOrEqual(8 * MiB)
        // what is copied up counts, too
        expect(() => {
          for (;;) writeFileSync(at('much'), Buffer.alloc(65_536), { flag: 'a', flush: true })
        }).toThrow(full)
        expect(() => writeFileSync(at('base'), 'x', { flag: 'a' })).toThrow(full)
        rmSync(at('much'))
        writeFileSync(at('base'), 'x', { flag: 'a' })
        expect(readFileSync(at('base'))).toHaveLength(MiB + 1)
        renameSync(at('some'), at('other'))
        mkdirSync(at('folder'))
        expect(() => {
          for (let n = 0; n < 60; n += 1) writeFileSync(at(`folder/${n}`), '')
        }).toThrow(full)
        expect(root.storage()!.usedInodes).toBe(40)

        // others are not in its way
        await using free = await store.createRoot('b', { layers: [diffId] })
        expect(free.storage()).toBeUndefined()
        writeMuch(join(free.description.upper!, 'much'), 16 * MiB)
        expect((await store.openRoot('a')).storage()).toEqual(root.storage())
        expect((await root.changes()).map(({ path }) => path)).toContain('/other')
      }
      expect(taken(join(store.folder, 'projects'))).toEqual([])
    })

    it.each(['ext4', 'xfs'] as const)('end what is written to a volume: %s', async (type) => {
      using disk = quotaDisk(type)
      const volumes = await VolumeStore.open(join(disk.path, 'volumes'))
      const storage = { bytes: 4 * MiB }
      const data = await volumes.create('data', { storage })
      const { blocks, bsize } = statfsSync(data.path)
      expect(blocks * bsize).toBe(4 * MiB)
      expect(data.storage()).toMatchObject({ bytes: 4 * MiB, inodes: undefined, usedInodes: 1 })
      writeFileSync(join(data.path, 'file'), 'kept')
      expect(volumes.get('data')!.storage()).toEqual(data.storage())
      const copy = await volumes.restore('copy', data.backup(), { storage })
      expect(readFileSync(join(copy.path, 'file'), 'utf8')).toBe('kept')

      // filled anew, its folder is another one
      using image = temporaryFolder()
      mkdirSync(join(image.path, 'data'))
      writeFileSync(join(image.path, 'data/from-image'), 'x')
      const filled = await volumes.create('filled', { storage })
      const fd = openSync(image.path, O_RDONLY | O_DIRECTORY)
      expect(await filled.fill(fd, '/data', 'web')).toBe(true)
      closeSync(fd)
      while (filled.storage()!.usedInodes > 2) await sleep(20) // xfs frees the folder that was there before later
      expect(filled.storage()!.usedInodes).toBe(2)
      expect(projectOfPath(filled.path)).toBe(filled.project!.id)

      for (const { name, project } of volumes.list()) {
        await volumes.remove(name)
        expect(volumes.get(name)).toBeUndefined()
        await unused(disk.path, project!.id)
      }
      expect(taken(join(volumes.folder, '.projects'))).toEqual([])
      expect(readdirSync(volumes.folder).sort()).toEqual(['.projects', '.temporary'])
    })

    it('undo what does not fit, and give numbers to one at a time', async () => {
      using disk = quotaDisk('xfs') // ext4 does not bind those who have CAP_SYS_RESOURCE, as we may
      const volumes = await VolumeStore.open(join(disk.path, 'volumes'))
      const tar = tarOf({ name: 'big', content: 'x'.repeat(2 * MiB) })
      const storage = { bytes: MiB }
      await expect(volumes.restore('big', Readable.from([tar]), { storage })).rejects.toMatchObject({
        code: 'ERR_OVERLAY_IO',
        message: expect.stringMatching(full) as unknown,
      })
      expect(volumes.get('big')).toBeUndefined()
      expect(readdirSync(join(volumes.folder, '.temporary'))).toEqual([])
      expect(taken(join(volumes.folder, '.projects'))).toEqual([])

      const store = await LayerStore.open(join(disk.path, 'store'), { strategy: 'copy' })
      const { diffId } = await store.add(Readable.from([tar]))
      await expect(store.createRoot('a', { layers: [diffId], storage })).rejects.toMatchObject({
        message: expect.stringMatching(full) as unknown,
      })
      expect(await store.roots()).toEqual([])
      await using whole = await store.createRoot('a', { layers: [diffId], storage: { bytes: 3 * MiB } })
      expect(whole.storage()!.usedBytes).toBeGreaterThanOrEqual(2 * MiB)

      const made = await Promise.all(
        Array.from({ length: 20 }, (_, n) => volumes.create(`v${n}`, { storage })),
      )
      expect(new Set(made.map(({ project }) => project!.id)).size).toBe(20)
      // the same name by several at once is one volume, with one number
      await Promise.all(Array.from({ length: 4 }, () => volumes.create('same', { storage })))
      expect(taken(join(volumes.folder, '.projects'))).toHaveLength(21)
    })

    it('leave alone a number that is in use by others, and give back those of the dead', async () => {
      using disk = quotaDisk('ext4')
      const store = await LayerStore.open(join(disk.path, 'store'))
      const storage = { bytes: MiB }
      const projects = join(store.folder, 'projects')
      const first = await store.createRoot('a', { lower: ['/'], storage })
      const [number] = taken(projects)
      // as if its process had been killed: there is no such root, and it has files still
      renameSync(join(projects, number!), join(projects, String(Number(number) + 1)))
      await using second = await store.createRoot('b', { lower: ['/'], storage })
      expect(taken(projects)).toEqual([1, 2].map((n) => String(Number(number) + n)))
      await first.remove()
      symlinkSync('gone~x', join(projects, String(Number(number) + 9)))
      await store.cleanup()
      expect(taken(projects)).toEqual([String(Number(number) + 2)])
      expect(second.storage()).toMatchObject(storage)
    })

    it('are given back by whoever comes after a process that was killed', async () => {
      using disk = quotaDisk('ext4')
      using program = bundle(`
        import { LayerStore, VolumeStore } from '@ctr/overlay'
        const store = await LayerStore.open(process.argv[2] + '/store')
        const volumes = await VolumeStore.open(process.argv[2] + '/volumes')
        const storage = { bytes: 2 ** 20 }
        for (let n = 0; ; n += 1) {
          const root = await store.createRoot('r' + n, { lower: ['/'], storage })
          await volumes.create('vv' + n, { storage })
          await root.remove()
          await volumes.remove('vv' + n)
          if (n === 1) process.stdout.write('ready')
        }
      `)
      for (let kill = 0; kill < 6; kill += 1) {
        const child = spawn(process.execPath, [program.path, disk.path], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const ended = once(child, 'exit')
        await Promise.race([once(child.stdout, 'data'), ended])
        await sleep(Math.random() * 60)
        expect(child.exitCode).toBeNull()
        child.kill('SIGKILL')
        await ended
        const store = await LayerStore.open(join(disk.path, 'store'))
        await store.cleanup({ keep: [] })
        const volumes = await VolumeStore.open(join(disk.path, 'volumes'))
        for (const { name } of volumes.list()) await volumes.remove(name)
        await volumes.cleanup()
        for (const folder of [join(store.folder, 'projects'), join(volumes.folder, '.projects')]) {
          expect(taken(folder)).toEqual([])
          const base = Number(readlinkSync(join(folder, 'base')))
          await unused(disk.path, base)
        }
      }
    })

    it('are refused, before anything is made, where they would not bind', async () => {
      using plain = temporaryFolder()
      using unlimited = quotaDisk('ext4', 'noquota')
      using none = quotaDisk('xfs', 'noquota')
      for (const [path, says] of [
        [plain.path, 'no project quotas (ENOSYS); mount it with prjquota'],
        [unlimited.path, 'prjquota'],
        [none.path, 'prjquota'],
      ] as const) {
        const store = await LayerStore.open(join(path, 'store'))
        const volumes = await VolumeStore.open(join(path, 'volumes'))
        const refusal = { code: 'ERR_OVERLAY_UNSUPPORTED', message: expect.stringContaining(says) as unknown }
        const storage = { bytes: MiB }
        await expect(store.createRoot('a', { lower: ['/'], storage })).rejects.toMatchObject(refusal)
        await expect(volumes.create('data', { storage })).rejects.toMatchObject(refusal)
        expect([await store.roots(), volumes.list()]).toEqual([[], []])
      }
    })
  },
)

function quotaOf(path: string, project: number): ReturnType<typeof projectQuota> {
  return withFolder(path, (fd) => projectQuota(fd, project))
}

/** Waits until nothing belongs to a project, and it has no limit: xfs takes inodes away a while after their names. */
async function unused(path: string, project: number): Promise<void> {
  while (quotaOf(path, project).usedInodes > 0) await sleep(20)
  expect(quotaOf(path, project)).toMatchObject({ bytes: undefined, usedBytes: 0, usedInodes: 0 })
}

function projectOfPath(path: string): number {
  return withFolder(path, projectOf)
}

function withFolder<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}
