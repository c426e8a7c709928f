// A process of the tests of the state folder: claims an id, or works on a container until it is killed.
import { writeSync } from 'node:fs'
import { isRuntimeError } from '../../src/errors.js'
import { bootId } from '../../src/oci/state/boot-id.js'
import type { ContainerState } from '../../src/oci/state/container-state.js'
import { processStat } from '../../src/oci/state/process-stat.js'
import { StateStore } from '../../src/oci/state/state-store.js'

const [, , mode, root, id] = process.argv as [string, string, 'claim' | 'work' | 'cycle', string, string]
const store = StateStore.open(root)
const say = (text: string): number => writeSync(1, `${text}\n`)

const state = (count: number): ContainerState => ({
  id,
  ociVersion: '1.2.0',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: new Date().toISOString(),
  pid: process.pid,
  startTicks: processStat(process.pid)!.startTicks,
  bootId: bootId(),
  annotations: { count: String(count), filling: 'x'.repeat(count % 20_000) },
  cgroupManager: 'disabled',
  cgroupPaths: {},
  intelRdtPath: '',
  externalDescriptors: [],
  terminal: false,
  rootless: false,
})

/** All begin at the same moment. */
async function claim(): Promise<void> {
  say('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.destroy()
  try {
    using container = await store.create(id, '{}')
    container.save(state(0))
    say('won')
  } catch (error) {
    say(isRuntimeError(error) ? error.code : String(error))
  }
}

/** Writes the record of a container that is there over and over. */
async function work(): Promise<never> {
  say('ready')
  for (let count = 0; ; count += 997) {
    using container = await store.lock(id)
    container.save(state(count))
  }
}

/** Makes and removes a container over and over, beside others who do the same. */
async function cycle(): Promise<void> {
  say('ready')
  const codes = new Set<string>()
  const end = Date.now() + 2000
  let made = 0
  while (Date.now() < end) {
    try {
      using container = await store.create(id, '{}')
      made++
      container.save(state(made))
      if (store.load(id).annotations['count'] !== String(made)) throw new Error('somebody else wrote here')
      if (store.loadConfig(id) !== '{}') throw new Error('the config is another one')
      if (made % 2 === 0) container.remove()
    } catch (error) {
      codes.add(isRuntimeError(error) ? error.code : String(error))
    }
    try {
      using container = await store.lock(id)
      container.remove()
    } catch (error) {
      codes.add(isRuntimeError(error) ? error.code : String(error))
    }
  }
  say(JSON.stringify({ made, codes: [...codes].sort() }))
}

if (mode === 'claim') await claim()
else if (mode === 'work') await work()
else await cycle()
