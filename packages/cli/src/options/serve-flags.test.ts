import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { addServeFlags, readServeFlags, type ServeFlags } from './serve-flags.js'

function read(...words: string[]) {
  const command = addServeFlags(new Command('serve')).exitOverride()
  command.parse(words, { from: 'user' })
  return readServeFlags(command.opts<ServeFlags>(), { insecure: ['insecure.test'] })
}

describe('flags of registry serve', () => {
  it('have the defaults of the server', () => {
    expect(read()).toEqual({ host: '127.0.0.1', port: 5000, quotas: {} })
  })

  it('are passed on, each in its unit', () => {
    using folder = temporaryFolder()
    const file = (name: string, text: string) => {
      const path = join(folder.path, name)
      writeFileSync(path, text)
      return path
    }
    const flags =
      '--root /r --host ::1 --port 0 --htpasswd /h --user a:b:c --read-only --quota 1g --repository-quota 10m ' +
      '--gc-interval 1h --gc-grace 10m --gc-untagged --mirror-of docker.io --mirror-user m:p --mirror-fresh 5m ' +
      `--max-connections 7 --upload-idle 30s --users ${file('users', 'ann:secret\n\nbob:x\n')} ` +
      `--tls-cert ${file('cert', 'C')} --tls-key ${file('key', 'K')} --tls-client-ca ${file('ca', 'A')}`
    expect(read(...flags.split(' '))).toEqual({
      root: '/r',
      host: '::1',
      port: 0,
      htpasswd: '/h',
      users: [
        { username: 'a', password: 'b:c' },
        { username: 'ann', password: 'secret' },
        { username: 'bob', password: 'x' },
      ],
      readOnly: true,
      quotas: { totalBytes: 2 ** 30, repositoryBytes: 10 * 2 ** 20 },
      garbage: { everyMs: 3_600_000, graceMs: 600_000, untagged: true },
      mirrorOf: {
        registry: 'docker.io',
        client: { credentials: { username: 'm', password: 'p' }, insecure: ['insecure.test'] },
        freshMs: 300_000,
      },
      maxConnections: 7,
      uploadIdleMs: 30_000,
      tls: { cert: Buffer.from('C'), key: Buffer.from('K'), clientCa: Buffer.from('A') },
    })
  })

  it.each([
    '--user ann',
    '--tls-cert /none',
    '--tls-key x',
    '--gc-untagged',
    '--mirror-fresh 1s',
    '--quota lots',
    '--port x',
    '--users /none',
  ])('refuse %s', (flags) => {
    expect(() => read(...flags.split(' '))).toThrow(expect.objectContaining({ code: 'ERR_CLI_USAGE' }))
  })
})
