// The process of the memory case: it starts idle containers and holds them, like a program that uses the runtime.
import { Runtime } from '@ctr/runtime'
import { idle } from './workload.js'

/** What the measuring process asks for, one after the other. */
export interface WorkerOrder {
  /** Idle containers to start besides those that run; none: remove all and end. */
  readonly start: number
}

/** The answer to each. */
export interface WorkerAnswer {
  readonly pids: readonly number[]
  /** How long the order took, in milliseconds. */
  readonly tookMs: number
  /** What went wrong. */
  readonly failure?: string | undefined
}

/** How many starts are under way at once. */
const atOnce = 16

async function main(root: string, state: string, image: string): Promise<void> {
  process.on('SIGINT', () => undefined) // the measuring process decides
  const runtime = await Runtime.open({ root, state })
  const pids: number[] = []
  const one = async (): Promise<void> => {
    const streams = { stdout: 'ignore', stderr: 'ignore' } as const
    const { pid } = await runtime.run({ image, command: idle, network: 'none', ...streams })
    if (pid !== null) pids.push(pid)
  }
  const many = async (count: number): Promise<void> => {
    let left = count
    const line = async (): Promise<void> => {
      while (left-- > 0) await one()
    }
    await Promise.all(Array.from({ length: atOnce }, line))
  }
  const obey = async ({ start }: WorkerOrder): Promise<void> => {
    const began = performance.now()
    let failure: string | undefined
    try {
      await (start > 0 ? many(start) : runtime.close())
    } catch (error) {
      failure = String(error)
    }
    const answer: WorkerAnswer = { pids, tookMs: performance.now() - began, failure }
    process.send?.(answer, () => start === 0 && process.disconnect())
  }
  process.on('message', (order: WorkerOrder) => void obey(order))
  process.on('disconnect', () => void runtime.close())
}

const [, , root = '', state = '', image = ''] = process.argv
void main(root, state, image)
