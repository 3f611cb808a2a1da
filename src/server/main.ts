/** Node entry: the editor starts this as a process of its own and speaks over IPC or stdio. */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { resolveModel } from '../storage/modelFolder.ts';
import { startServer } from './server.ts';

process.title = 'loadline-server';
startServer(createConnection(ProposedFeatures.all), resolveModel);
