import { runGrid } from './grid.ts'
import { conversation } from './tables/conversation.ts'
import { finish } from './tables/finish.ts'
import { media } from './tables/media.ts'
import { tools } from './tables/tools.ts'

runGrid('conversation', conversation)
runGrid('tools', tools)
runGrid('media', media)
runGrid('how an answer ends, and what comes with it', finish)
