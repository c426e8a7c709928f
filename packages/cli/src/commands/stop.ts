import { endContainers } from './end-containers.js'

/** `ctrjs stop`. */
export const define = endContainers((container, how) => container.stop(how))
