import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { TestBundle } from './support/oci-container.js'

leakCheck()

let bundle: TestBundle
const inRoot = (path: string) => join(bundle.rootfs, path)
beforeEach(() => {
  bundle = new TestBundle()
})
afterEach(() => {
  bundle[Symbol.dispose]()
})

describeOn(['root'], 'mounts of a config', () => {
  it('go where links inside the root lead, and make what is missing', async () => {
    writeFileSync(join(bundle.path, 'hosts'), 'hosts\n')
    mkdirSync(bundle.beside('volume'))
    writeFileSync(bundle.beside('volume/note'), 'note\n')
    mkdirSync(inRoot('etc'))
    symlinkSync('/tmp/far', inRoot('jump'))
    symlinkSync('/jump/away/hosts', inRoot('etc/hosts'))
    symlinkSync('../../../../tmp', inRoot('up'))
    const mounts = [
      { destination: '/etc/hosts', source: 'hosts', options: ['bind'] },
      { destination: '/up/volume//deep', source: bundle.beside('volume'), options: ['rbind', 'ro'] },
      { destination: 'relative', source: 'hosts', options: ['bind'] },
      { destination: join(bundle.rootfs, 'by-host-path'), source: 'hosts', options: ['bind'] },
    ]
    const shown = await bundle.output(
      'cat /etc/hosts /tmp/volume/deep/note /relative /by-host-path; grep -o " /tmp/.* ro," /proc/mounts',
      { mounts },
    )
    expect(shown).toBe(
      'hosts\nnote\nhosts\nhosts\n /tmp/volume/deep ext4 ro,'.replace('ext4', shown.split(' ').at(-2)!),
    )
    expect(existsSync(inRoot('tmp/far/away/hosts'))).toBe(true)
  })

  it('give folders that are made the mode 755 and the group bit of those above', async () => {
    mkdirSync(inRoot('setgid'))
    chmodSync(inRoot('setgid'), 0o7755)
    const mounts = [{ destination: '/setgid/a/b', type: 'tmpfs', source: 'tmpfs' }]
    await bundle.output('true', { mounts })
    expect(['setgid', 'setgid/a', 'setgid/a/b'].map((path) => statSync(inRoot(path)).mode & 0o7777)).toEqual([
      0o7755, 0o2755, 0o2755,
    ])
  })

  it('make a tmpfs with the mode of the folder that it covers, or of its option', async () => {
    for (const [folder, mode] of [
      ['covered', 0o710],
      ['other', 0o710],
    ] as const) {
      mkdirSync(inRoot(folder))
      chmodSync(inRoot(folder), mode)
    }
    const mounts = [
      { destination: '/covered', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
      { destination: '/other', type: 'tmpfs', source: 'tmpfs', options: ['mode=1500'] },
      { destination: '/new', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/new/below/it', type: 'tmpfs', source: 'tmpfs' },
    ]
    const script = 'stat -c %a /covered /other /new /new/below; touch /covered/x'
    const { output } = await bundle.run(script, { mounts })
    expect(output).toBe('710\n1500\n1777\n755\ntouch: /covered/x: Read-only file system')
  })

  it('over the root become the root of all later ones', async () => {
    const tmpfs = [{ destination: '/', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }]
    const script = 'touch /made; stat -f -c %T /; ls /proc/self/exe /dev/null'
    expect(await bundle.output(script, { first: tmpfs })).toBe('tmpfs\n/dev/null\n/proc/self/exe')
    expect(await bundle.output('stat -f -c %T /', { mounts: tmpfs, cwd: '/new' })).toBe('tmpfs')
    expect(existsSync(inRoot('made'))).toBe(false)
    const bind = [{ destination: '/', source: bundle.rootfs, options: ['bind', 'ro'] }]
    for (const noPivot of [false, true]) {
      const { output } = await bundle.run('touch /made', { first: bind, noPivot })
      expect(output).toContain('Read-only file system')
    }
  })

  it('can be of what earlier ones have put into the root', async () => {
    for (const name of ['a', 'b']) {
      mkdirSync(bundle.beside(name))
      writeFileSync(bundle.beside(`${name}/name`), `${name}\n`)
      mkdirSync(bundle.beside(`${name}/x`))
    }
    for (const user of [false, true]) {
      const mounts = [
        { destination: '/mnt', source: bundle.beside('a'), options: ['rbind'] },
        { destination: '/mnt/x', source: bundle.beside('b'), options: ['rbind'] },
        { destination: '/whole', source: inRoot('mnt'), options: ['rbind', 'ro'] },
        { destination: '/one', source: inRoot('mnt'), options: ['bind'] },
      ]
      expect(
        await bundle.output('cat /whole/name /whole/x/name; ls /one/x; touch /whole/y 2>&1 | cut -d: -f3', {
          mounts,
          user,
        }),
      ).toBe('a\nb\n Read-only file system')
    }
  })

  it('are refused in /proc, and where /proc is none', async () => {
    writeFileSync(bundle.beside('file'), '')
    const at = (destination: string) =>
      bundle.refusal({ mounts: [{ destination, source: bundle.beside('file'), options: ['bind'] }] })
    expect(await at('/proc/sys/kernel/core_pattern')).toContain(
      'cannot be mounted because it is inside /proc',
    )
    expect(await at('/proc/self/attr/exec')).toContain('cannot be mounted because it is inside /proc')
    expect(await at('/tmp/../proc/self')).toContain('cannot be mounted because it is inside /proc')
    symlinkSync('/proc/self', inRoot('innocent'))
    expect(await at('/innocent/attr')).toContain('cannot be mounted because it is inside /proc')
    expect(await at('/proc/uptime')).toBe('made')
    const folder = { destination: '/proc', source: bundle.path, options: ['bind'] }
    expect(await bundle.refusal({ mounts: [folder] })).toContain(
      'cannot be mounted because it is not of type proc',
    )
  })

  it('say what they lack', async () => {
    const refusal = (mount: { source?: string; type?: string; options?: string[] }) =>
      bundle.refusal({ mounts: [{ destination: '/tmp', ...mount }] })
    expect(await refusal({ source: '/not/there', options: ['bind'] })).toMatch(
      /\/not\/there: no such file or directory/,
    )
    expect(await refusal({ type: 'nonsensefs', source: 'x' })).toMatch(/nonsensefs.*ENODEV/s)
    writeFileSync(bundle.beside('file'), '')
    expect(await refusal({ source: bundle.beside('file'), options: ['bind'] })).toMatch(/a folder is there/)
  })

  it('of links: the link itself, over a link, or another one like it', async () => {
    writeFileSync(bundle.beside('target'), 'target\n')
    symlinkSync('target', bundle.beside('link'))
    symlinkSync('nowhere', inRoot('dangling'))
    const mount = (...options: string[]) => [
      { destination: '/dangling', source: bundle.beside('link'), options: ['bind', ...options] },
    ]
    expect(
      await bundle.output('readlink /dangling', { mounts: mount('src-nofollow', 'dest-nofollow') }),
    ).toBe('target')
    expect(await bundle.output('cat /dangling', { mounts: mount('dest-nofollow') })).toBe('target')
    const copied = [
      { destination: '/a/b/c', source: bundle.beside('link'), options: ['bind', 'copy-symlink'] },
    ]
    expect(await bundle.output('readlink /a/b/c', { mounts: copied })).toBe('target')
    expect(await bundle.output('readlink /a/b/c', { mounts: copied })).toBe('target') // it is there now
  })

  it('take settings that are longer than fsconfig has room for', async () => {
    const long = bundle.beside('x'.repeat(150))
    for (const folder of ['', '/lower', '/upper', '/work']) mkdirSync(long + folder)
    writeFileSync(`${long}/lower/file`, 'lower\n')
    const options = [
      `lowerdir=${long}/lower:${bundle.rootfs}`,
      `upperdir=${long}/upper`,
      `workdir=${long}/work`,
    ]
    const mounts = [
      { destination: '/mnt', type: 'overlay', source: 'overlay', options: [...options, 'nosuid'] },
    ]
    const shown = await bundle.output(
      'cat /mnt/file; touch /mnt/new; grep -c "overlay /mnt.*nosuid" /proc/mounts',
      { mounts },
    )
    expect(shown).toBe('lower\n1')
    expect(readFileSync(`${long}/upper/new`, 'utf8')).toBe('')
  })

  it('with remount change what is there', async () => {
    const mounts = [
      { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['size=64k'] },
      { destination: '/mnt', options: ['remount', 'noexec', 'size=128k'] },
    ]
    expect(await bundle.output('grep " /mnt " /proc/mounts', { mounts })).toMatch(/noexec.*size=128k/)
  })
})
