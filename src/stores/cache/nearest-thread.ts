import { serveThread } from '../threads.ts'
import { NearestQuestions } from './nearest-questions.ts'

/** The thread that compares questions which a server keeps. */
export type NearestTasks = NearestQuestions

await serveThread(() => new NearestQuestions())
