import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import {
  AT_FDCWD,
  Fd,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  mount,
  umount2,
  type Program,
} from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { openIdmappedMount, openUserNamespace, spawn, type IdMaps } from '../src/index.js'

leakCheck()

const mapsAt = (outside: number): IdMaps => {
  const map = [{ inside: 0, outside, size: 65_536 }]
  return { uid: map, gid: map }
}

/** Attaches a detached mount in the child's own mount namespace. */
const attached =
  (fd: number, path: string) =>
  (program: Program): void => {
    program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
    program.call('move_mount', [fd, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH])
  }

async function inside(maps: IdMaps, image: string, command: string): Promise<string> {
  using tree = new Fd(await openIdmappedMount(image, maps))
  const child = await spawn({
    command: ['sh', '-c', command],
    cwd: image,
    namespaces: { user: 'new', mount: 'new' },
    idMaps: maps,
    stdio: ['ignore', 'pipe', 'inherit'],
    prepareFds: [tree.number],
    prepare: attached(tree.number, image),
  })
  const printed = await text(child.stdout!)
  expect((await child.wait()).exitCode).toBe(0)
  return printed.trim()
}

describeOn(['root', 'userns'], 'openIdmappedMount() on the real kernel', () => {
  it('lets one image serve many maps, and stores what each makes by the ids inside', async () => {
    using folder = temporaryFolder()
    const image = folder.path
    execFileSync('chmod', ['0755', image])
    writeFileSync(`${image}/root`, 'of root')
    mkdirSync(`${image}/home`)
    chownSync(`${image}/home`, 1000, 1001)
    const look = 'stat -c %n:%u:%g root home'
    const [first, second] = await Promise.all([
      inside(mapsAt(100_000), image, `${look}; touch made-1 home/made`),
      inside(mapsAt(300_000), image, `${look}; touch made-2; chown 1000:1000 made-2`),
    ])
    expect([first, second]).toEqual(['root:0:0\nhome:1000:1001', 'root:0:0\nhome:1000:1001'])
    const owners = ['root', 'home', 'made-1', 'home/made', 'made-2'].map((name) => {
      const { uid, gid } = statSync(`${image}/${name}`)
      return `${name}:${uid}:${gid}`
    })
    expect(owners).toEqual(['root:0:0', 'home:1000:1001', 'made-1:0:0', 'home/made:0:0', 'made-2:1000:1000'])
  })

  it('is seen with the ids outside by the host', async () => {
    using folder = temporaryFolder()
    writeFileSync(`${folder.path}/file`, '')
    using userns = new Fd(await openUserNamespace(mapsAt(100_000)))
    using tree = new Fd(await openIdmappedMount(folder.path, { fd: userns.number }))
    expect(statSync(`/proc/self/fd/${tree.number}/file`)).toMatchObject({ uid: 100_000, gid: 100_000 })
    expect(statSync(`${folder.path}/file`)).toMatchObject({ uid: 0, gid: 0 })
  })

  it('says which file system cannot be mapped', async () => {
    using folder = temporaryFolder()
    mount('proc', folder.path, 'proc', 0)
    try {
      await expect(openIdmappedMount(folder.path, mapsAt(100_000))).rejects.toMatchObject({
        code: 'ERR_NAMESPACES_IDMAPPED_MOUNT',
        message: expect.stringContaining('has no idmapped mounts on this kernel'),
      })
    } finally {
      umount2(folder.path)
    }
    rmSync(`${folder.path}/nothing`, { force: true })
    await expect(openIdmappedMount(`${folder.path}/nothing`, mapsAt(100_000))).rejects.toMatchObject({
      cause: { syscall: 'open_tree', code: 'ENOENT' },
    })
  })
})
