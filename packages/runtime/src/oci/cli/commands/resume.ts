import { command } from '../command.js'

export const resume = command({
  name: 'resume',
  summary: 'let the processes of a paused container go on',
  usage: 'CONTAINER',
  options: {},
  arity: [1, 1],
  async run({ args: [id], program }) {
    const runtime = await program.open()
    await runtime.container(id!).resume()
    return 0
  },
})
