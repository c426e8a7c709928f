import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { bundle as bundleText, describeOn, leakCheck } from '@ctr/testing'
import { standardMounts, TestBundle } from './support/oci-container.js'

leakCheck()

let bundle: TestBundle
let outside: string
const inRoot = (path: string) => join(bundle.rootfs, path)
/** Everything in the folder that no container may change. */
const untouched = () => ({
  entries: readdirSync(outside).sort(),
  ptmx: readFileSync(join(outside, 'ptmx'), 'utf8'),
  mounts: readFileSync('/proc/self/mounts', 'utf8').includes(outside),
})
beforeEach(() => {
  bundle = new TestBundle()
  outside = bundle.beside('outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'ptmx'), 'of the host\n')
  writeFileSync(join(bundle.path, 'file'), 'of the caller\n')
})
afterEach(() => {
  expect(untouched()).toEqual({ entries: ['ptmx'], ptmx: 'of the host\n', mounts: false })
  bundle[Symbol.dispose]()
})
const replaceByLink = (path: string, target: string) => {
  rmSync(inRoot(path), { recursive: true, force: true })
  symlinkSync(target, inRoot(path))
}

describeOn(['root'], 'an image with links in the places of mounts', () => {
  const ways = () => [
    outside,
    `../../../../../../../..${outside}`,
    '/proc/self/fd/3',
    '/proc/1/root/etc',
    '/proc/self/cwd',
    'loop',
  ]

  it('gets no mount, folder or file outside of its root', async () => {
    for (const way of ways()) {
      replaceByLink('loop', 'loop')
      for (const destination of ['/link', '/link/below', '/link/below/../deep/er']) {
        replaceByLink('link', way)
        const mounts = [
          { destination, type: 'tmpfs', source: 'tmpfs' },
          { destination: `${destination}/file`, source: 'file', options: ['bind'] },
        ]
        await bundle.run('touch /link/x', { mounts }).catch(() => undefined)
        expect(untouched().entries).toEqual(['ptmx'])
        rmSync(inRoot(outside), { recursive: true, force: true })
      }
    }
  })

  it('gets no proc and no sysfs at a link or a file', async () => {
    replaceByLink('proc', '/tmp')
    expect(await bundle.refusal({})).toContain('"proc" must be mounted on ordinary directory')
    replaceByLink('proc', outside)
    expect(await bundle.refusal({})).toContain('must be mounted on ordinary directory')
    rmSync(inRoot('proc'))
    writeFileSync(inRoot('proc'), '')
    expect(await bundle.refusal({})).toContain('must be mounted on ordinary directory')
    rmSync(inRoot('proc'))
    replaceByLink('sys', '/tmp')
    const sys = [{ destination: '/sys', type: 'sysfs', source: 'sysfs' }]
    expect(await bundle.refusal({ mounts: sys })).toContain('"sysfs" must be mounted on ordinary directory')
  })

  it('gets no devices through /dev', async () => {
    replaceByLink('dev', outside)
    const mounts = [{ destination: '/proc', type: 'proc' }]
    expect(await bundle.refusal({ standard: mounts })).toContain(
      '/dev of the root file system is a symbolic link',
    )
    // a tmpfs that is mounted where the link leads inside is the container's own
    expect(await bundle.output('test -c /dev/null; echo $?')).toBe('0')
    expect(lstatSync(inRoot('dev')).isSymbolicLink()).toBe(true)
  })

  it('gets no devices in the place of something else', async () => {
    const standard = [{ destination: '/proc', type: 'proc' }]
    writeFileSync(inRoot('dev/null'), '')
    expect(await bundle.refusal({ standard })).toContain(
      'cannot make the device /dev/null: something else is there',
    )
    replaceByLink('dev/null', join(outside, 'ptmx'))
    expect(await bundle.refusal({ standard })).toContain(
      'cannot make the device /dev/null: something else is there',
    )
    rmSync(inRoot('dev/null'))
    replaceByLink('dev/ptmx', join(outside, 'ptmx'))
    replaceByLink('dev/fd', outside)
    await bundle.output('test -c /dev/null', { standard })
    expect(await bundle.output('test -c /dev/null && readlink /dev/ptmx', { standard })).toBe('pts/ptmx') // as they are
  })

  it('hides paths where links lead inside, and only there', async () => {
    writeFileSync(inRoot('secret'), 'secret\n')
    mkdirSync(inRoot('secrets'))
    writeFileSync(inRoot('secrets/one'), 'secret\n')
    symlinkSync('/secret', inRoot('to-secret'))
    symlinkSync('../../secrets', inRoot('to-secrets'))
    symlinkSync(join(outside, 'ptmx'), inRoot('to-outside'))
    symlinkSync('/proc/self/fd/0', inRoot('to-stdin'))
    symlinkSync('loop', inRoot('loop'))
    const maskedPaths = [
      '/to-secret',
      '/to-secrets',
      '/to-outside',
      '/to-stdin',
      '/loop',
      '/not/there',
      '/proc/nothing',
    ]
    expect(await bundle.output('cat /secret; ls /secrets', { linux: { maskedPaths } })).toBe('')
    const readonlyPaths = maskedPaths
    const { output } = await bundle.run('touch /secrets/x', { linux: { readonlyPaths } })
    expect(output).toContain('Read-only file system')
  })

  it('copies nothing of the host into a tmpfs', async () => {
    mkdirSync(inRoot('data'))
    symlinkSync(outside, inRoot('data/link'))
    symlinkSync(outside, inRoot('whole'))
    const copy = (destination: string) => [
      { destination, type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] },
    ]
    expect(
      await bundle.output('readlink /data/link; ls /data/link 2>&1', { mounts: copy('/data') }).catch(String),
    ).toContain('No such file')
    expect(await bundle.output(`ls /whole/ ${outside}`, { mounts: copy('/whole') })).not.toContain('ptmx')
    rmSync(inRoot(outside), { recursive: true, force: true })
  })
})

describeOn(['root'], 'an image with a link in the place of the terminal', () => {
  it('gets it in that place, not where the link leads (CVE-2025-52565)', async () => {
    writeFileSync(inRoot('tmp/target'), 'of the image\n')
    for (const target of ['/tmp/target', join(outside, 'ptmx'), '/proc/self/fd/1', '/proc/sysrq-trigger']) {
      replaceByLink('dev/console', target)
      const standard = standardMounts.filter(({ destination }) => destination !== '/dev')
      const script = 'cat /tmp/target; test -c /dev/console && echo terminal'
      mkdirSync(inRoot('dev/pts'), { recursive: true })
      const container = await bundle.start(`(${script}) > /tmp/shown`, { standard, terminal: true })
      await container.wait()
      await container.delete()
      expect(readFileSync(inRoot('tmp/shown'), 'utf8')).toBe('of the image\nterminal\n')
      for (const made of ['null', 'zero', 'full', 'random', 'urandom', 'tty']) rmSync(inRoot(`dev/${made}`))
    }
  })
})

/** A program that exchanges a folder and a link all the time. */
const swapper = (folder: string, link: string) => `
  const { renameat2, RENAME_EXCHANGE, AT_FDCWD } = await import('@ctr/linux')
  for (;;) renameat2(AT_FDCWD, ${JSON.stringify(folder)}, AT_FDCWD, ${JSON.stringify(link)}, RENAME_EXCHANGE)
`

describeOn(['root'], 'a volume whose folders become links while containers start', () => {
  it('lets no mount out of the root (CVE-2021-30465, CVE-2019-19921)', async () => {
    const volume = bundle.beside('volume')
    mkdirSync(join(volume, 'folder'), { recursive: true })
    symlinkSync(outside, join(volume, 'link'))
    using program = bundleText(swapper(join(volume, 'folder'), join(volume, 'link')))
    const attacker = spawn(process.execPath, [program.path], { stdio: 'inherit' })
    try {
      await once(attacker, 'spawn')
      const mounts = [
        { destination: '/volume', source: volume, options: ['rbind'] },
        { destination: '/volume/folder/file', source: 'file', options: ['bind'] },
        { destination: '/volume/folder/deep/er', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] },
      ]
      const results = { made: 0, refused: 0 }
      for (let n = 0; n < 60; n++) {
        const made = await bundle.run(`ls /volume/folder/ ${outside}`, { mounts }).then(
          ({ output }) => output,
          () => undefined,
        )
        expect(made ?? '').not.toContain('ptmx')
        results[made === undefined ? 'refused' : 'made']++
        expect(existsSync(join(outside, 'deep'))).toBe(false)
      }
      // both happened, and the attacker was there until the end
      expect(results).toEqual({ made: expect.any(Number), refused: expect.any(Number) })
      expect(Math.min(results.made, results.refused)).toBeGreaterThan(0)
      expect(attacker.exitCode).toBeNull()
    } finally {
      attacker.kill('SIGKILL')
      await once(attacker, 'exit')
    }
  })
})
