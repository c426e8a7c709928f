import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { RootView } from './root-view.js'

let rootfs: string
let view: RootView
beforeEach(() => {
  rootfs = mkdtempSync(join(tmpdir(), 'ctr-view-'))
  mkdirSync(join(rootfs, 'etc'))
  writeFileSync(join(rootfs, 'etc/hosts'), '')
  for (const [name, target] of [
    ['up', '../../../etc'],
    ['absolute', '/etc/hosts'],
    ['dangling', '/far/away'],
    ['chain', 'up/./hosts'],
    ['loop', 'loop'],
    ['host', rootfs],
  ]) {
    symlinkSync(target!, join(rootfs, name!))
  }
  view = new RootView(rootfs)
})
afterEach(() => {
  rmSync(rootfs, { recursive: true })
})
const found = (path: string, follow = true) => {
  const { path: at, kind, missing } = view.find(path, { follow })
  return [at, kind, missing]
}

describe('RootView', () => {
  it('follows links inside the root, wherever they lead', () => {
    expect(found('/up/hosts')).toEqual(['/etc/hosts', 'file', 0])
    expect(found('absolute')).toEqual(['/etc/hosts', 'file', 0])
    expect(found('/chain')).toEqual(['/etc/hosts', 'file', 0])
    expect(found('/chain', false)).toEqual(['/chain', 'link', 0])
    expect(found('/up/../../..')).toEqual(['/', 'folder', 0])
    expect(found('/host')).toEqual([rootfs, 'missing', rootfs.split('/').length - 1])
    expect(found('/loop').slice(1)).toEqual(['unknown', 0])
    expect(found('/loop/below').slice(1)).toEqual(['unknown', 0])
  })

  it('counts what is missing', () => {
    expect(found('/dangling/deep')).toEqual(['/far/away/deep', 'missing', 3])
    expect(found('/etc/new/er')).toEqual(['/etc/new/er', 'missing', 2])
    expect(found('/etc/hosts/below')).toEqual(['/etc/hosts/below', 'missing', 1])
  })

  it('sees mounts, and what they hide', () => {
    view.cover('/etc', { kind: 'empty' })
    expect(found('/absolute')).toEqual(['/etc/hosts', 'missing', 1])
    view.cover('/etc/volume', { kind: 'tree', path: rootfs })
    expect(found('/up/volume/etc/hosts')).toEqual(['/etc/volume/etc/hosts', 'file', 0])
    expect([view.isMounted('/'), view.isMounted('/etc/volume/x'), view.isMounted('/far')]).toEqual([
      true,
      true,
      false,
    ])
    view.copy('/etc', '/copy', true)
    expect(found('/copy/volume/etc/hosts')).toEqual(['/copy/volume/etc/hosts', 'file', 0])
    view.copy('/etc/volume/etc', '/one', false)
    expect(found('/one/hosts')).toEqual(['/one/hosts', 'file', 0])
    expect(view.treesAt('/etc/volume', true)).toEqual([{ path: '', source: rootfs }])
    expect(view.treesAt('/etc', true)).toBeUndefined()
    view.cover('/', { kind: 'empty' })
    expect(found('/etc')).toEqual(['/etc', 'missing', 1])
  })

  it("knows of the kernel's file systems what the host has", () => {
    view.cover('/proc', { kind: 'opaque', model: '/proc' })
    expect(found('/proc/uptime')).toEqual(['/proc/uptime', 'file', 0])
    expect(found('/proc/self/fd')).toEqual(['/proc/self/fd', 'unknown', 2]) // a link: of the process that asks
    view.cover('/mnt', { kind: 'opaque' })
    expect(found('/mnt/x')).toEqual(['/mnt/x', 'unknown', 1])
  })

  it("knows what no mount of the kernel's file systems has", () => {
    view.cover('/proc', { kind: 'opaque', model: '/proc' })
    view.cover('/sys', { kind: 'opaque', model: '/sys' })
    view.cover('/mnt', { kind: 'opaque' })
    expect(
      ['/proc/not-there', '/sys/kernel/not-there', '/proc/not/there'].map((path) => view.lacks(path)),
    ).toEqual([true, true, true])
    const perhaps = [
      '/proc/uptime',
      '/proc/sys/net/x',
      '/proc/9999999/x',
      '/proc/net/x',
      '/sys/class/net/x',
      '/mnt/x',
      '/x',
    ]
    expect(perhaps.filter((path) => view.lacks(path))).toEqual([])
  })
})
