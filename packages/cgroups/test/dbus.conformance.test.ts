import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { parseAddress } from '../src/dbus/address.js'
import { Connection } from '../src/dbus/connection.js'
import type { Message } from '../src/dbus/message.js'

leakCheck()

const bus = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
}

describeOn(['root', 'bin:dbus-daemon'], 'Connection to a real bus', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let daemon: ChildProcess
  let path: string

  beforeAll(async () => {
    folder = temporaryFolder('ctr-bus-')
    const config = join(folder.path, 'bus.conf')
    writeFileSync(
      config,
      `<busconfig><type>session</type><listen>unix:path=${folder.path}/socket</listen><auth>EXTERNAL</auth>
       <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
    )
    daemon = spawn('dbus-daemon', ['--nofork', '--print-address', `--config-file=${config}`], {
      stdio: ['ignore', 'pipe', 'ignore'], // it says that it may not have more descriptors
    })
    const [address] = (await once(daemon.stdout!, 'data')) as [Buffer]
    path = parseAddress(address.toString().trim())[0]!
  })
  afterAll(async () => {
    daemon.kill()
    await once(daemon, 'exit')
    folder[Symbol.dispose]()
  })
  const open = () => new Connection(path, { kind: 'bus', timeoutMs: 30_000 })

  it('greets, calls and is answered', async () => {
    using connection = open()
    const calls = await Promise.all([
      connection.call({ ...bus, member: 'GetId' }),
      connection.call({ ...bus, member: 'ListNames' }),
      connection.call({ ...bus, member: 'NameHasOwner', signature: 's', body: ['org.freedesktop.DBus'] }),
    ])
    const [id, names, owned] = calls.map(({ values }) => values[0])
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(names).toContain('org.freedesktop.DBus')
    expect(owned).toBe(true)
    expect(calls[0].sender).toBe('org.freedesktop.DBus')
  })

  it('reads what a bus has of nested values', async () => {
    using connection = open()
    const credentials = await connection.call({
      ...bus,
      member: 'GetConnectionCredentials',
      signature: 's',
      body: ['org.freedesktop.DBus'],
    })
    expect(credentials.values[0]).toContainEqual(['UnixUserID', { signature: 'u', value: 0 }])
    const all = await connection.call({
      ...bus,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'GetAll',
      signature: 's',
      body: [bus.interface],
    })
    expect(all.values[0]).toContainEqual(['Features', { signature: 'as', value: expect.any(Array) }])
  })

  it('is told what it has asked for, and by whom', async () => {
    using connection = open()
    const told = new Promise<Message>((resolve) => {
      connection.onSignal = (message) => {
        if (message.member === 'NameOwnerChanged') resolve(message)
      }
    })
    const rule = "type='signal',member='NameOwnerChanged',arg0='org.ctr.test'"
    await connection.call({ ...bus, member: 'AddMatch', signature: 's', body: [rule] })
    using other = open()
    await other.call({ ...bus, member: 'RequestName', signature: 'su', body: ['org.ctr.test', 0] })
    const message = await told
    expect(message.sender).toBe('org.freedesktop.DBus')
    expect(message.body()).toEqual(['org.ctr.test', '', expect.stringMatching(/^:1\./)])
  })

  it('makes errors of what the bus refuses', async () => {
    using connection = open()
    await expect(connection.call({ ...bus, member: 'Nonsense' })).rejects.toMatchObject({
      code: 'ERR_CGROUP_SYSTEMD',
      cause: { name: 'org.freedesktop.DBus.Error.UnknownMethod' },
    })
    const nobody = { ...bus, destination: 'org.ctr.nobody', member: 'X' }
    await expect(connection.call(nobody)).rejects.toMatchObject({
      cause: { name: 'org.freedesktop.DBus.Error.ServiceUnknown' },
    })
  })

  it('ends when the bus does not take a message', async () => {
    using connection = open()
    // a name without a dot: the daemon drops whoever sends it
    await expect(connection.call({ ...bus, destination: 'nodot', member: 'X' })).rejects.toMatchObject({
      code: 'ERR_CGROUP_BUS',
    })
  })
})
