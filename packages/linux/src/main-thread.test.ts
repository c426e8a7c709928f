import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from '@jest/globals'
import { bundle } from '@ctr/testing'
import { isMainThread } from './main-thread.js'

it('isMainThread() tells the first thread from workers', async () => {
  using program = bundle(`
    import { parentPort } from 'node:worker_threads'
    import { isMainThread } from '${import.meta.dirname}/main-thread.ts'
    parentPort?.postMessage(isMainThread())
  `)
  const worker = new Worker(program.path)
  expect(await once(worker, 'message')).toEqual([false])
  await worker.terminate()
  expect(isMainThread()).toBe(true)
})
