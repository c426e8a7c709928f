import { command } from '../command.js'

export const start = command({
  name: 'start',
  summary: 'start the program of a created container',
  usage: 'CONTAINER',
  options: {},
  arity: [1, 1],
  async run({ args: [id], program }) {
    const runtime = await program.open()
    await runtime.container(id!).start()
    return 0
  },
})
