import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { environmentOf } from './environment.js'
import { homeIn } from './home.js'
import { listenFds } from './listen-fds.js'

describe('environmentOf()', () => {
  const home = () => '/root'

  it('takes the last of several, and keeps what is in values', () => {
    expect(environmentOf(['A=1', 'B=a=b\n', 'A=2', 'HOME=/h', '__proto__=x'], home)).toEqual(
      Object.fromEntries([
        ['A', '2'],
        ['B', 'a=b\n'],
        ['HOME', '/h'],
        ['__proto__', 'x'],
      ]),
    )
  })

  it.each([[['HOME=']], [['HOME=/override', 'HOME=']], [[]]])('finds HOME for %j', (env) => {
    expect(environmentOf(env, home)).toEqual({ HOME: '/root' })
  })

  it.each([
    ['x', "missing '='"],
    ['=x', 'name cannot be empty'],
    ['A=\0', 'contains a nul byte'],
  ])('refuses %j', (variable, why) => {
    expect(() => environmentOf([variable], home)).toThrow(`invalid environment variable`)
    expect(() => environmentOf([variable], home)).toThrow(why)
  })
})

describe('homeIn()', () => {
  const folder = temporaryFolder()
  afterAll(() => {
    folder[Symbol.dispose]()
  })
  const passwd = 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:\nnone:x:7:7::::\n'

  function container(name: string): string {
    const root = `${folder.path}/${name}`
    mkdirSync(`${root}/etc`, { recursive: true })
    return root
  }

  it('looks the user up in the container', () => {
    const root = container('plain')
    writeFileSync(`${root}/etc/passwd`, passwd)
    expect([0, 1000, 7, 5].map((uid) => homeIn({ root }, uid))).toEqual(['/root', '/home/app', '/', '/'])
  })

  it('follows links within the container only', () => {
    const root = container('links')
    mkdirSync(`${root}/usr`)
    writeFileSync(`${root}/usr/users`, passwd)
    symlinkSync('/usr/users', `${root}/etc/passwd`)
    expect(homeIn({ root }, 1000)).toBe('/home/app')
    const out = container('out')
    symlinkSync('../../../../../../../../../../etc/passwd', `${out}/etc/passwd`)
    expect(homeIn({ root: out }, 0)).toBe('/')
  })

  it('does not wait for a FIFO, and takes a folder for nothing', () => {
    const fifo = container('fifo')
    execFileSync('mkfifo', [`${fifo}/etc/passwd`])
    expect(homeIn({ root: fifo }, 0)).toBe('/')
    const directory = container('directory')
    mkdirSync(`${directory}/etc/passwd`)
    expect(homeIn({ root: directory }, 0)).toBe('/')
    expect(homeIn({ root: `${folder.path}/missing` }, 0)).toBe('/')
  })

  it('sees what will be bound over the file or its folder', () => {
    const root = container('bound')
    writeFileSync(`${root}/etc/passwd`, passwd)
    writeFileSync(`${folder.path}/users`, 'app:x:1000:1000::/elsewhere:\n')
    const bind = (destination: string, source: string) =>
      homeIn({ root, bundle: folder.path, mounts: [{ type: 'bind', destination, source }] }, 1000)
    expect(bind('/etc/passwd', 'users')).toBe('/elsewhere')
    expect(bind('etc//passwd', `${folder.path}/users`)).toBe('/elsewhere')
    expect(bind('/etc', 'plain/etc')).toBe('/home/app')
    expect(bind('/etc/hosts', 'users')).toBe('/home/app')
  })
})

describe('listenFds()', () => {
  it.each([{}, { LISTEN_FDS: '0' }, { LISTEN_FDS: 'x' }, { LISTEN_FDS: '1', LISTEN_PID: '1' }])(
    'finds nothing in %j',
    (env) => {
      expect(listenFds(env)).toBeUndefined()
    },
  )
})
