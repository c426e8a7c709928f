import { command } from '../command.js'

export const pause = command({
  name: 'pause',
  summary: 'stop all processes of a container where they are',
  usage: 'CONTAINER',
  options: {},
  arity: [1, 1],
  async run({ args: [id], program }) {
    const runtime = await program.open()
    await runtime.container(id!).pause()
    return 0
  },
})
