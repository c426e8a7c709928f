import { execFile, execFileSync } from 'node:child_process'
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { ImageStore, type StoredImage } from '../src/index.js'
import { tarOf } from './support/tar.js'

leakCheck()

const run = promisify(execFile)

async function skopeo(...parameters: string[]): Promise<string> {
  return (await run('skopeo', ['--insecure-policy', ...parameters], { encoding: 'utf8' })).stdout
}

async function addImage(store: ImageStore, reference: string, text: string): Promise<StoredImage> {
  const layers = [
    { tar: tarOf('hello', Buffer.from('hello\n')) },
    { tar: tarOf('text', Buffer.from(text)), compression: 'none' as const },
  ]
  return await store.add(
    { config: { config: { Cmd: ['/hello'], Labels: { a: 'b' } } }, layers },
    { reference },
  )
}

describeOn(['bin:skopeo'], 'archives with skopeo', () => {
  it('are read by it as docker-archive and as oci-archive', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await addImage(store, 'team/app:1', 'one')
    await addImage(store, 'h.io/other:2', 'two')
    const path = join(folder.path, 'both.tar')
    await pipeline(await store.save(['team/app:1', 'h.io/other:2']), createWriteStream(path))
    const config: unknown = JSON.parse(
      await skopeo('inspect', '--config', '--raw', `docker-archive:${path}:team/app:1`),
    )
    expect(config).toMatchObject({ rootfs: { diff_ids: image.config.rootfs.diff_ids } })
    const raw = await skopeo('inspect', '--raw', `oci-archive:${path}:1`)
    expect(raw).toBe((await store.blobs.bytes(image.descriptor, 2 ** 20)).toString())
    for (const source of [`docker-archive:${path}:docker.io/team/app:1`, `oci-archive:${path}:1`]) {
      const to = await ImageStore.open(join(folder.path, source.slice(0, 6)))
      await skopeo('copy', '--preserve-digests', source, `oci:${to.blobs.folder}:copied:1`).catch(
        async () => await skopeo('copy', source, `oci:${to.blobs.folder}:copied:1`),
      )
      expect((await to.get('copied:1')).config).toEqual(image.config)
    }
  })

  it('are loaded as it writes them, several images in one too', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await addImage(store, 'app:1', 'one')
    const source = `oci:${store.blobs.folder}:docker.io/library/app:1`
    for (const kind of ['oci-archive', 'docker-archive']) {
      const path = join(folder.path, `${kind}.tar`)
      const exact = kind === 'oci-archive' ? ['--preserve-digests'] : []
      await skopeo('copy', ...exact, source, `${kind}:${path}:h.io/app:copied`)
      const to = await ImageStore.open(join(folder.path, kind))
      const [loaded] = await to.load(createReadStream(path))
      expect(loaded!.references).toEqual(['h.io/app:copied'])
      expect(loaded!.config.rootfs).toEqual(image.config.rootfs)
      expect(loaded!.config.config).toEqual(image.config.config)
      if (kind === 'oci-archive') expect(loaded!.descriptor).toEqual(image.descriptor)
    }
  })
})

describeOn(['bin:skopeo'], 'layouts with skopeo', () => {
  it('are read by it as oci: and oci-archive:, by whole names', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await addImage(store, 'team/app:1', 'one')
    await addImage(store, 'h.io/app:1', 'two') // the same tag
    const both = ['team/app:1', 'h.io/app:1']
    const [layout, archive] = [join(folder.path, 'layout'), join(folder.path, 'oci.tar')]
    await store.saveLayout(both, layout)
    await pipeline(await store.save(both, { format: 'oci' }), createWriteStream(archive))
    for (const source of [`oci:${layout}`, `oci-archive:${archive}`]) {
      const name = `${source}:docker.io/team/app:1`
      expect(await skopeo('inspect', '--raw', name)).toBe(
        (await store.blobs.bytes(image.descriptor, 2 ** 20)).toString(),
      )
      const to = await ImageStore.open(join(folder.path, source.slice(0, source.indexOf(':'))))
      await skopeo('copy', '--preserve-digests', name, `oci:${to.blobs.folder}:copied:1`)
      expect((await to.get('copied:1')).descriptor).toEqual(image.descriptor)
    }
  })

  it('are loaded as it writes them', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await addImage(store, 'app:1', 'one')
    const source = `oci:${store.blobs.folder}:docker.io/library/app:1`
    const layout = join(folder.path, 'layout')
    for (const name of ['h.io/app:copied', 'h.io/app:twice', 'bare'])
      await skopeo('copy', '--preserve-digests', source, `oci:${layout}:${name}`)
    const to = await ImageStore.open(join(folder.path, 'to'))
    const loaded = await to.loadLayout(layout)
    expect(loaded.map(({ descriptor }) => descriptor)).toEqual([image.descriptor])
    expect(loaded[0]!.references).toEqual(['h.io/app:copied', 'h.io/app:twice'])
  })
})

describeOn(['root', 'bin:podman'], 'archives with podman', () => {
  it('are loaded by podman load, and podman save writes what is loaded', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await addImage(store, 'docker.io/team/app:1', 'one')
    const other = await addImage(store, 'h.io/other:2', 'two')
    const path = join(folder.path, 'both.tar')
    await pipeline(await store.save(['team/app:1', 'h.io/other:2']), createWriteStream(path))
    mkdirSync(join(folder.path, 'home'))
    const podman = podmanIn(folder.path)
    podman('load', '-i', path)
    const ids = [image, other].map(({ id }) => id.slice(7))
    expect(podman('images', '-q', '--no-trunc').trim().split('\n').sort()).toEqual(
      ids.map((id) => `sha256:${id}`).sort(),
    )
    for (const format of ['docker-archive', 'oci-archive']) {
      const written = join(folder.path, `${format}.tar`)
      podman('save', '--format', format, '-o', written, 'docker.io/team/app:1')
      const to = await ImageStore.open(join(folder.path, format))
      const [loaded] = await to.load(createReadStream(written))
      expect(loaded).toMatchObject({
        references: ['docker.io/team/app:1'],
        config: { rootfs: image.config.rootfs },
      })
    }
    const several = join(folder.path, 'several.tar')
    podman('save', '-m', '-o', several, 'docker.io/team/app:1', 'h.io/other:2')
    const to = await ImageStore.open(join(folder.path, 'several'))
    expect((await to.load(createReadStream(several))).flatMap(({ references }) => references).sort()).toEqual(
      ['docker.io/team/app:1', 'h.io/other:2'],
    )
  })

  it('are exchanged with it as folders too', async () => {
    using folder = temporaryFolder()
    const store = await ImageStore.open(join(folder.path, 'store'))
    const image = await addImage(store, 'docker.io/team/app:1', 'one')
    const podman = podmanIn(folder.path)
    const [ours, theirs] = [join(folder.path, 'ours'), join(folder.path, 'theirs')]
    await store.saveLayout('team/app:1', ours)
    podman('pull', '-q', 'oci:ours:docker.io/team/app:1') // by a path with capitals it would fail
    podman('tag', image.id.slice('sha256:'.length), 'docker.io/team/app:1') // it names images of folders by the folder
    podman('save', '-q', '--format', 'oci-dir', '-o', theirs, 'docker.io/team/app:1')
    const to = await ImageStore.open(join(folder.path, 'to'))
    const [loaded] = await to.loadLayout(theirs)
    expect(loaded!.config.rootfs).toEqual(image.config.rootfs)
    const archive = join(folder.path, 'oci.tar')
    await pipeline(await store.save('team/app:1', { format: 'oci' }), createWriteStream(archive))
    podman('rmi', '-f', 'docker.io/team/app:1')
    podman('load', '-q', '-i', archive)
    expect(podman('images', '-q', '--no-trunc', 'docker.io/team/app:1').trim()).toBe(image.id)
  })
})

/** Podman with folders of its own. */
function podmanIn(folder: string): (...parameters: string[]) => string {
  const roots = ['root', 'runroot', 'tmpdir'].flatMap((name) => [`--${name}`, join(folder, `podman-${name}`)])
  return (...parameters) =>
    execFileSync('podman', [...roots, '--storage-driver', 'vfs', ...parameters], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
}
