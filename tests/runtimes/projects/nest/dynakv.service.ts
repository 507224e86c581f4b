import { createClient, type DynakvClient } from "@dynakv/client";
import { Injectable, type OnApplicationShutdown } from "@nestjs/common";

@Injectable()
export class DynakvService implements OnApplicationShutdown {
  readonly client: DynakvClient = createClient({ address: process.env.DYNAKV_ADDRESS ?? "http://127.0.0.1:50051" });

  onApplicationShutdown(): void {
    this.client.close();
  }
}
