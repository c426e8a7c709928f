import { endContainers } from './end-containers.js'

/** `ctrjs restart`. */
export const define = endContainers((container, how) => container.restart(how))
