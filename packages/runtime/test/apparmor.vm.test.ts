import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'
import { TestBundle } from './support/oci-container.js'

leakCheck()

const name = `ctr-test-${process.pid}`
/** Everything but one folder and mounts, as Docker's own profile denies them. */
const profile = `
profile ${name} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  signal,
  ptrace,
  deny /tmp/closed/** wlk,
  deny mount,
}
`

describeOn(['root', 'bin:apparmor_parser', 'bin:busybox'], 'a container with an AppArmor profile', () => {
  const load = (flag: string): void => {
    execFileSync('apparmor_parser', [flag, '--skip-cache'], {
      input: profile,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  }
  beforeAll(() => {
    load('--add')
  })
  afterAll(() => {
    load('--remove')
  })

  const show = [
    'busybox cat /proc/self/attr/current',
    'busybox mkdir -p /tmp/closed /tmp/open',
    '(echo no >/tmp/closed/file) 2>&1; echo yes >/tmp/open/file && echo written',
    'busybox mount -t tmpfs none /mnt 2>&1',
    'exit 0',
  ].join('\n')

  it('is confined by it, by files and by mounts', async () => {
    using bundle = new TestBundle()
    expect((await bundle.output(show, { apparmorProfile: name })).split('\n')).toEqual([
      `${name} (enforce)`,
      "sh: can't create /tmp/closed/file: Permission denied",
      'written',
      'mount: mounting none on /mnt failed: Permission denied',
    ])
  })

  it('is not, without one', async () => {
    using bundle = new TestBundle()
    expect((await bundle.output(show)).split('\n')).toEqual(['unconfined', 'written'])
  })

  it('has processes that are executed in it confined, too', async () => {
    using bundle = new TestBundle()
    const box = await bundle.start('exec busybox sleep 600', { apparmorProfile: name })
    try {
      const process = { ...box.config().process!, args: ['busybox', 'sleep', '600'] }
      const other = await box.exec({ process })
      expect(readFileSync(`/proc/${other.pid}/attr/current`, 'utf8')).toBe(`${name} (enforce)\n`)
    } finally {
      await box.delete({ force: true })
    }
  })

  it('is confined by it, also where it is made from an image, and what is executed in it', async () => {
    await using opened = await openRuntime()
    const options = { image: busybox, network: 'none', stdout: 'pipe', stderr: 'inherit' } as const
    await using container = await opened.runtime.run({
      ...options,
      apparmorProfile: name,
      command: ['sh', '-c', 'cat /proc/self/attr/current; read x </dev/zero'],
    })
    const seen = async (execOptions: object): Promise<string> => {
      const process = await container.exec(['cat', '/proc/self/attr/current'], {
        ...execOptions,
        stdout: 'pipe',
        stderr: 'inherit',
      })
      const printed = await text(process.stdout!)
      await process.wait()
      return printed
    }
    expect(await seen({})).toBe(`${name} (enforce)\n`)
    expect(await seen({ privileged: true })).toBe('unconfined\n')
    container.kill()
    expect(await text(container.stdout!)).toBe(`${name} (enforce)\n`)
    await expect(
      opened.runtime.run({ ...options, apparmorProfile: 'ctr-none-such', command: ['true'] }),
    ).rejects.toMatchObject({ message: expect.stringMatching(/AppArmor profile.*ENOENT/) })
  })

  it('is refused, and nothing is left, when nobody has loaded the profile', async () => {
    using bundle = new TestBundle()
    expect(await bundle.refusal({ apparmorProfile: 'ctr-none-such' })).toMatch(/AppArmor profile.*ENOENT/)
    expect(bundle.runtime.list()).toEqual([])
  })
})
